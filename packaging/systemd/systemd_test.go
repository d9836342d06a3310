package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnitFor(t *testing.T) {
	unit, err := UnitFor("/opt/my agent/agent", "/etc/50%/$HOME.toml", []string{stateDirectory, "/srv/backup"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`ExecStart="/opt/my agent/agent" run --service --config "/etc/50%%/$$HOME.toml"` + "\n",
		"ReadWritePaths=\"/srv/backup\"\n", "WatchdogSec=", "WantedBy=multi-user.target",
	} {
		if strings.Count(unit, want) != 1 {
			t.Errorf("%q is not once in\n%s", want, unit)
		}
	}
	if strings.Contains(unit, "/usr/bin/") || strings.Contains(unit, stateDirectory) {
		t.Errorf("the places of the package are still in\n%s", unit)
	}
	for _, path := range []string{"/a\nExecStartPost=/bin/sh", "/{{Name}}"} {
		if _, err := UnitFor(path, "/c", nil); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
}

func TestConfigOf(t *testing.T) {
	for _, config := range []string{"/etc/piaotong-agent/config.toml", "/etc/50%/$HOME.toml", `/a\b "c" $$ %% \\ 收银 机.toml`, `/x" run --service --config "/y`} {
		for _, program := range []string{"/usr/local/bin/agent", `/opt/a" run --service --config "/b/agent`} {
			unit, err := UnitFor(program, config, []string{"/srv/data"})
			if err != nil {
				t.Fatal(err)
			}
			if got := ConfigOf(unit); got != config {
				t.Errorf("of %s: %q, want %q", program, got, config)
			}
		}
	}
	for _, unit := range []string{"", "[Service]\nExecStart=\"/bin/true\"\n", "[Service]\nExecStart=/bin/agent run --config /c\n"} {
		if got := ConfigOf(unit); got != "" {
			t.Errorf("%q names %q", unit, got)
		}
	}
}

func TestDropInFor(t *testing.T) {
	got, err := DropInFor([]string{"/srv/backup % $x", stateDirectory})
	if want := "[Service]\nReadWritePaths=\"/srv/backup %% $x\"\n"; err != nil || got != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if got, err := DropInFor([]string{stateDirectory}); err != nil || got != "" {
		t.Errorf("%q %v, want nothing: the unit has that folder", got, err)
	}
	if _, err := DropInFor([]string{"/a\nExecStartPost=/bin/sh"}); err == nil {
		t.Error("a path of two lines is taken")
	}
}

// TestPlaces holds the unit to what the constants say of it.
func TestPlaces(t *testing.T) {
	if want := "ExecStart=" + PackagedProgram + " run --service --config " + PackagedConfig + "\n"; !strings.Contains(Unit, want) {
		t.Errorf("the unit has no %q", want)
	}
	if !strings.Contains(Sysusers, "\nu "+User+" ") {
		t.Errorf("no account %s is made", User)
	}
}

// TestUnitIsHardened has systemd itself judge the unit: 0 is locked up, 10 open.
func TestUnitIsHardened(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	unit, err := UnitFor("/bin/true", "/etc/piaotong-agent/config.toml", []string{"/srv/backup"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), User+".service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	const most = "20" // tenths
	if out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", "--threshold="+most, path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.Command(tool, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
