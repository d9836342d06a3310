package config

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestSealedSecrets: what is sealed is opened again, and what is plain goes on working.
func TestSealedSecrets(t *testing.T) {
	dir := t.TempDir()
	for _, plain := range []string{des3A, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", strings.Repeat("x", 3500)} {
		sealed, err := SealSecret([]byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		if IsProtected(sealed) != (runtime.GOOS == "windows") || IsProtected(sealed) == bytes.Contains(sealed, []byte(plain[:10])) {
			t.Errorf("sealed on %s: %.60q", runtime.GOOS, sealed)
		}
		for _, contents := range []string{string(sealed), plain} {
			got, err := ReadSecretFile(writeFile(t, dir, "secret", contents))
			if err != nil || string(got) != plain {
				t.Errorf("%.20q: %v", plain, err)
			}
		}
	}
}

// TestForeignSecret: a file that another machine protected says so, and is not taken for the secret.
func TestForeignSecret(t *testing.T) {
	dir := t.TempDir()
	for _, contents := range []string{protectedHeader + "\nAAAA\n", protectedHeader + "\r\nAAAA\r\n", protectedHeader + "\n", protectedHeader + "\n!!\n"} {
		path := writeFile(t, dir, "des3.key", contents)
		if got, err := ReadSecretFile(path); !errors.Is(err, errForeign) {
			t.Errorf("%q: %q %v", contents, got, err)
		}
	}
	_, err := Parse(dir+"/config.toml", []byte("[piaotong]\ndes3_key_file = 'des3.key'"), nil)
	if err == nil || !strings.Contains(err.Error(), "agent secrets set") || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("%v", err)
	}
}

func FuzzOpenSecret(f *testing.F) {
	f.Add([]byte(des3A))
	f.Add([]byte(protectedHeader + "\nAAAA\n"))
	f.Fuzz(func(t *testing.T, contents []byte) {
		plain, err := openSecret(contents)
		if err == nil && !IsProtected(contents) && !bytes.Equal(plain, contents) {
			t.Errorf("%q becomes %q", contents, plain)
		}
	})
}
