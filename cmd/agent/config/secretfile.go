package config

import (
	"bytes"
	"encoding/base64"
	"errors"
)

// protectedHeader is the first line of a file whose contents only the machine that wrote it can read; base64 follows.
// What has no such line is plain: PEM, a line of base64, a word.
const protectedHeader = "PIAOTONG-AGENT-SECRET 1 DPAPI"

// base64Line is the length of the lines of a protected file, as in PEM.
const base64Line = 64

// errForeign is a protected file that cannot be opened here.
var errForeign = errors.New("protected by another machine, or damaged")

// IsProtected reports whether the contents of a file are protected.
func IsProtected(contents []byte) bool {
	first, _, found := bytes.Cut(contents, []byte("\n"))
	return found && string(bytes.TrimRight(first, "\r")) == protectedHeader
}

// SealSecret gives the contents of the file in which a secret is kept: protected where the system can, so that the
// file is worth nothing on another machine (Windows: DPAPI, machine scope), else as they are. Either way the file's
// rights must keep other users of this machine out.
func SealSecret(plain []byte) ([]byte, error) {
	if !canProtect {
		return plain, nil
	}
	blob, err := protect(plain)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(protectedHeader + "\n")
	text := base64.StdEncoding.EncodeToString(blob)
	for len(text) > base64Line {
		b.WriteString(text[:base64Line] + "\n")
		text = text[base64Line:]
	}
	b.WriteString(text + "\n")
	return b.Bytes(), nil
}

// openSecret gives what is in a file, protected or not.
func openSecret(contents []byte) ([]byte, error) {
	if !IsProtected(contents) {
		return contents, nil
	}
	_, text, _ := bytes.Cut(contents, []byte("\n"))
	blob, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(text), nil)))
	if err != nil || len(blob) == 0 {
		return nil, errForeign
	}
	return unprotect(blob)
}

// ReadSecretFile reads a file that holds a key or a secret, protected or plain, of at most 16 KiB.
func ReadSecretFile(path string) ([]byte, error) {
	contents, err := readFile(path, mostSecret)
	if err != nil {
		return nil, err
	}
	return openSecret(contents)
}
