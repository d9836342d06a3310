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
