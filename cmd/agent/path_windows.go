package main

import (
	"errors"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// This file puts the program's folder into the machine's PATH, so that
// technicians can type piaotong-agent anywhere.

const environmentKey = `SYSTEM\CurrentControlSet\Control\Session Manager\Environment`

func addToPath(dir string) error {
	return changePath(func(dirs []string) []string { return append(without(dirs, dir), dir) })
}

func removeFromPath(dir string) error {
	return changePath(func(dirs []string) []string { return without(dirs, dir) })
}

func without(dirs []string, dir string) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(d string) bool { return strings.EqualFold(strings.TrimRight(d, `\`), dir) })
}

// changePath changes the machine's PATH. Its other words stay as they are,
// names of variables too.
func changePath(change func([]string) []string) error {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, environmentKey, registry.QUERY_VALUE|registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer k.Close()
	was, _, err := k.GetStringValue("Path")
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return err
	}
	dirs := strings.Split(was, ";")
	is := strings.Join(change(dirs), ";")
	if is == was {
		return nil
	}
	if err := k.SetExpandStringValue("Path", is); err != nil {
		return err
	}
	tellPrograms()
	return nil
}

// tellPrograms tells those that run, such as the desktop, that the environment
// has changed. One that hangs does not matter.
func tellPrograms() {
	const (
		everybody     = 0xffff // HWND_BROADCAST
		settingChange = 0x001a // WM_SETTINGCHANGE
		abortIfHung   = 0x0002 // SMTO_ABORTIFHUNG
		waitMS        = 1000
	)
	name, err := windows.UTF16PtrFromString("Environment")
	if err != nil {
		return
	}
	send := windows.NewLazySystemDLL("user32.dll").NewProc("SendMessageTimeoutW")
	if send.Find() == nil {
		_, _, _ = send.Call(everybody, settingChange, 0, uintptr(unsafe.Pointer(name)), abortIfHung, waitMS, 0)
	}
}
