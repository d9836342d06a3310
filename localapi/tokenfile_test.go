package localapi

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "api-token")
	if err := os.WriteFile(path+".new", []byte("half"), 0o644); err != nil { // a power cut left it
		t.Fatal(err)
	}
	token, err := TokenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if again, err := TokenFile(path); err != nil || again != token {
		t.Errorf("read again: same %v, %v", again == token, err)
	}
	other, err := TokenFile(filepath.Join(dir, "other"))
	if err != nil || other == token {
		t.Errorf("two files have one token, %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v left, %v", entries, err)
	}
	if _, err := TokenFile(filepath.Join(dir, "none", "api-token")); err == nil {
		t.Error("a token without a folder")
	}
	for _, damaged := range []string{"", "\n", "short", token + "x", token + token, strings.Repeat("!", 43)} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := TokenFile(path); !errors.Is(err, ErrTokenDamaged) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

func TestTokenFileRights(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder gives the rights")
	}
	path := filepath.Join(t.TempDir(), "api-token")
	if _, err := TokenFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("made with %v, %v", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o604, 0o640, 0o620, 0o644, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := TokenFile(path); !errors.Is(err, ErrTokenRights) {
			t.Errorf("%v: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := TokenFile(path); err != nil {
		t.Error(err)
	}
}
