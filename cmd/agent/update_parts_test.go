package main

import (
	"bytes"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// markAll puts all operations of a database into a state.
func markAll(state string) func(*sql.DB) error {
	return func(db *sql.DB) error {
		_, err := db.Exec("UPDATE ops SET state = ?", state)
		return err
	}
}

func TestUpdateFits(t *testing.T) {
	lang = "en"
	for _, tc := range []struct {
		now, version, least string
		force               bool
		want                string // "" where it fits
	}{
		{"1.2.3", "1.2.4", "", false, ""},
		{"v1.2.3", "1.10.0", "1.2.3", false, ""},
		{"1.2.3-4-gabcdef0", "1.2.3", "", false, ""},
		{"1.9.0", "1.10.0-rc.1", "", false, ""},
		{"1.10.0", "1.10.0-rc.1", "", false, "not newer"},
		{"1.10.0", "1.9.0", "", false, "not newer"},
		{"1.10.0", "1.9.0", "", true, ""},
		{"1.2.3", "2.0.0", "1.5.0", true, "update to 1.5.0 first"},
		{"dev", "2.0.0", "", false, "no release"},
		{"dev", "2.0.0", "", true, ""},
	} {
		m := manifest{Version: tc.version, MinVersion: tc.least}
		if err := m.fits(tc.now, tc.force); (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

func TestPackageCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the registry of this machine is not ours")
	}
	if got := packageCommand(t.Context(), binary); got != "" {
		t.Errorf("a program of nobody's: %q", got)
	}
	if exec.Command("dpkg-query", "-S", "/usr/bin/dpkg").Run() != nil {
		t.Skip("this system does not know dpkg")
	}
	if got := packageCommand(t.Context(), "/usr/bin/dpkg"); !strings.Contains(got, "apt install") {
		t.Errorf("a program of a package: %q", got)
	}
}

// FuzzSafeName holds that a name which is taken stays in its folder.
func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"a/b", "./a", "../a", "/a", `..\a`, "a/../../b", "C:/a", "", ".", "a//b", "NUL", "a/./b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !safeName(name) {
			return
		}
		rel, err := filepath.Rel("/folder", filepath.Join("/folder", name))
		if err != nil || !filepath.IsLocal(rel) || strings.ContainsAny(name, `\:`) {
			t.Errorf("%q leads to %q (%v)", name, rel, err)
		}
	})
}

// FuzzExtractProgram opens what others may have packed.
func FuzzExtractProgram(f *testing.F) {
	f.Add(tarGZ(f, packed{name: product, data: []byte("program")}), false)
	f.Add(zipped(f, packed{name: "a/" + product, data: []byte("program")}), true)
	f.Add([]byte("PK\x05\x06"), true)
	f.Fuzz(func(t *testing.T, data []byte, isZip bool) {
		name := filepath.Join(t.TempDir(), "a.tar.gz")
		if isZip {
			name = filepath.Join(t.TempDir(), "a.zip")
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		archive, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		var out bytes.Buffer
		if err := extractProgram(archive, product, &out); err == nil && out.Len() > mostProgram {
			t.Errorf("%d bytes", out.Len())
		}
		if err := checkBuiltFor(bytes.NewReader(out.Bytes()), thisPlatform); err == nil && out.Len() < 1000 {
			t.Error("that is no program")
		}
	})
}

// FuzzOpenManifest holds that nothing unsigned is read, and that what is signed
// has names and sizes that will do.
func FuzzOpenManifest(f *testing.F) {
	good, err := json.Marshal(manifest{Product: product, Version: "1.0.0", Files: map[string]releaseFile{"linux/amd64": {Name: "a.zip", Size: 1, SHA256: strings.Repeat("0", 64)}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"files":{"x":{"name":"../a.zip"}}}`))
	public, private, err := ed25519.GenerateKey(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := openManifest(text, make([]byte, ed25519.SignatureSize), []ed25519.PublicKey{public}); err == nil {
			t.Error("nobody signed it")
		}
		m, err := openManifest(text, ed25519.Sign(private, text), []ed25519.PublicKey{public})
		if err != nil {
			return
		}
		for _, r := range m.Files {
			if filepath.Base(r.Name) != r.Name || r.Size <= 0 || r.Size > mostArchive {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestOpenManifest: while the signing key changes, both the old and the new one
// are trusted, in any order.
func TestOpenManifest(t *testing.T) {
	lang = "en"
	text := []byte(`{"product":"piaotong-agent","version":"1.2.0"}`)
	var trusted []ed25519.PublicKey
	var sigs [][]byte
	for range 2 {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		trusted, sigs = append(trusted, public), append(sigs, ed25519.Sign(private, text))
	}
	for i, sig := range sigs {
		if m, err := openManifest(text, sig, trusted); err != nil || m.Version != "1.2.0" {
			t.Errorf("key %d: %v", i, err)
		}
		if _, err := openManifest(append(text, '\n'), sig, trusted); err == nil {
			t.Errorf("key %d: a changed manifest is believed", i)
		}
		if _, err := openManifest(text, sig, trusted[1-i:2-i]); err == nil {
			t.Errorf("key %d: a stranger is believed", i)
		}
	}
}
