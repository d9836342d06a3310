//go:build unix

package main

import (
	"strings"
	"testing"

	"tillagent/packaging/systemd"
)

// What a package's service does with systemd, `make test-systemd` tries.

func TestCheckPackaged(t *testing.T) {
	for _, tt := range []struct{ name, exe, path, want string }{
		{"the package's own", systemd.PackagedProgram, systemd.PackagedConfig, ""},
		{"another program", "/usr/local/bin/agent", systemd.PackagedConfig, systemd.PackagedProgram},
		{"another configuration", systemd.PackagedProgram, "/srv/config.toml", systemd.PackagedConfig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkPackaged(tt.exe, tt.path)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestInShort(t *testing.T) {
	d := diagnosis{OK: true, Findings: []finding{{Check: checkConfig, Verdict: verdictOK}, {Check: checkPath, Verdict: verdictNote}, {Check: checkPath, Verdict: verdictNote}}}
	got := d.inShort()
	if !got.OK || len(got.Findings) != 2 || got.Findings[0].Check != checkConfig || got.Findings[1].Verdict != verdictNote || !strings.Contains(got.Findings[1].What, "2") {
		t.Errorf("%+v", got)
	}
	if got := (diagnosis{Findings: d.Findings[:1]}).inShort(); len(got.Findings) != 1 {
		t.Errorf("without paths: %+v", got)
	}
}
