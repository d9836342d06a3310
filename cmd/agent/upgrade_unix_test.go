//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUpgradeKeepsTheOwner goes back as an administrator: the files must be the
// service's afterwards.
func TestUpgradeKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only an administrator can give files away")
	}
	const nobody = 65534
	lang = "en"
	for _, program := range []string{"migrates", "sells"} {
		t.Run(program, func(t *testing.T) {
			i := install1(t)
			i.save()
			i.put(program)
			var out bytes.Buffer
			// The stand-in of the service runs as an administrator, too: only what was
			// put back is looked at, before the service is started again.
			s := i.settler(&out)
			s.cut = func(step string) {
				switch step {
				case "program is back":
					if err := os.Chown(i.data, nobody, nobody); err != nil {
						t.Error(err)
					}
				case "database is back":
					for _, name := range []string{"agent.db", "agent.lock", "epoch"} {
						info, err := os.Stat(filepath.Join(i.data, name))
						if err != nil {
							t.Error(err)
						} else if st := info.Sys().(*syscall.Stat_t); st.Uid != nobody && (name == "agent.db" || program == "sells") {
							t.Errorf("%s belongs to %d", name, st.Uid)
						}
					}
				}
			}
			if err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(), "is back and serves") {
				t.Errorf("%v\n%s", err, &i.manager.words)
			}
		})
	}
}

func TestUnitState(t *testing.T) {
	for text, want := range map[string]serviceNow{
		"LoadState=loaded\nActiveState=active\nMainPID=812\n":    {installed: true, running: true, pid: 812},
		"LoadState=loaded\nActiveState=activating\nMainPID=0\n":  {installed: true},
		"MainPID=77\nLoadState=loaded\nActiveState=activating\n": {installed: true, pid: 77},
		"LoadState=not-found\nActiveState=inactive\nMainPID=0\n": {},
		"LoadState=loaded\nActiveState=failed\nMainPID=0\n":      {installed: true},
		"nonsense": {},
	} {
		if got := unitState(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
