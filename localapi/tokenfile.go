package localapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// tokenBytes is the length of a token that the agent makes: 256 bits.
const tokenBytes = 32

// Errors of TokenFile.
var (
	ErrTokenRights  = errors.New("other users can read it; let its owner alone read it (chmod 600)")
	ErrTokenDamaged = errors.New("it holds no token; delete it and a new one is made at the next start")
)

// TokenFile reads the agent's own token, 32 random bytes in base64url; at the
// first start it makes one, readable by its owner alone (on Windows the folder
// gives the rights). The file appears whole or not at all.
func TokenFile(path string) (string, error) {
	token, err := readToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		token, err = makeToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("token file %s: %w", path, err)
	}
	return token, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", ErrTokenRights
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != tokenBytes {
		return "", ErrTokenDamaged
	}
	return token, nil
}

// makeToken writes the token beside its place and then moves it there, so that
// a power cut leaves no half token.
func makeToken(path string) (string, error) {
	token := newSecret()
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	return token, syncDir(filepath.Dir(path))
}

// syncDir makes a new name in a folder outlast a power cut. Windows has no
// such call and needs none.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
