package printer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// holders names the other programs that have a device open, as far as we may
// see: "nginx (pid 12)".
func holders(device string) []string {
	want, err := os.Stat(device)
	if err != nil {
		return nil
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var all []string
	for _, process := range processes {
		pid := filepath.Base(process)
		if pid == fmt.Sprint(os.Getpid()) || !opened(process, want) {
			continue
		}
		name, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil {
			continue // it has ended
		}
		all = append(all, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid))
	}
	return all
}

func opened(process string, want os.FileInfo) bool {
	files, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		return false // another user's
	}
	for _, f := range files {
		link := filepath.Join(process, "fd", f.Name())
		if to, err := os.Readlink(link); err != nil || !strings.HasPrefix(to, "/dev/") {
			continue
		}
		if is, err := os.Stat(link); err == nil && os.SameFile(is, want) {
			return true
		}
	}
	return false
}
