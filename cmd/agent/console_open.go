package main

import (
	"os"
	"os/exec"
	"runtime"
)

// browserCommand is what opens an address in the desktop's browser; nil where
// nobody sits at a desktop of ours. As root none is opened: browsers refuse that.
// The address goes into the arguments of a program, where other users of the
// machine could read it; its code works once, and for 60 s.
func browserCommand(goos string, getenv func(string) string, euid int, url string) []string {
	switch {
	case goos == "windows":
		if getenv("SESSIONNAME") == "" { // a service, or a shell from afar
			return nil
		}
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case euid == 0 || getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "":
		return nil
	}
	return []string{"xdg-open", url}
}

// openBrowser opens an address where there is a desktop, and reports whether a
// program took it.
func openBrowser(url string) bool {
	command := browserCommand(runtime.GOOS, os.Getenv, os.Geteuid(), url)
	if command == nil {
		return false
	}
	cmd := exec.Command(command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		return false
	}
	return cmd.Process.Release() == nil // it goes on without us
}
