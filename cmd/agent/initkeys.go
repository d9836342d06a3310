package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tillagent/piaotong"
)

// This file is how init comes by the keys: our own pair, the platform's public
// key and the 3DES key.

// des3File is what init keeps the 3DES key in, beside the configuration.
const des3File = "des3.key"

// des3 asks for the 3DES key and keeps it in a file of its own.
func (s *setup) des3(ctx context.Context) error {
	k := keyValue{section: "piaotong", key: "des3_key"}
	key := os.Getenv(envName(k))
	set := s.was.Piaotong.DES3Key != ""
	if key == "" && !s.yes && !s.skips(question{section: "piaotong", key: "des3_key"}) {
		proposal := ""
		if set {
			proposal = say("保留", "keep")
		}
		answer, err := s.ask(ctx, say("3DES 密钥(24 个字符)", "3DES key, 24 characters"), proposal, func(text string) string {
			if set && text == proposal {
				return ""
			}
			return check(k, text)
		})
		if err != nil {
			return err
		}
		if !set || answer != proposal {
			key = answer
		}
	}
	if key == "" || key == s.was.Piaotong.DES3Key.Reveal() {
		return nil
	}
	if problem := check(k, key); problem != "" {
		return fmt.Errorf("piaotong.des3_key: %s", problem)
	}
	if set {
		return errors.New(say("配置里已有另一个 3DES 密钥;要更换用 agent secrets rotate start des3_key", "the configuration has another 3DES key; agent secrets rotate start des3_key changes it"))
	}
	s.changes = append(s.changes, keyValue{section: "piaotong", key: "des3_key_file", value: des3File})
	return storeSecret(filepath.Join(filepath.Dir(s.path), des3File), key, s.was.DataDir)
}

// makeKeys makes our key pair unless there is one, shows the public key, and
// takes the platform's.
func (s *setup) makeKeys(ctx context.Context) error {
	own := s.was.Piaotong.PrivateKeyFile
	if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
		text, err := newPrivateKey(s.bits)
		if err != nil {
			return err
		}
		if err := storeSecret(own, string(text), s.was.DataDir); err != nil {
			return err
		}
	}
	line, beside, err := savePublic(own, publicFile)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, say("把下面这一行公钥发给票通(也存于 %s):\n%s\n", "send this line, our public key, to Piaotong (it is in %s too):\n%s\n"), beside, line)
	return s.takePlatformKey(ctx)
}

// takePlatformKey puts the platform's public key where the configuration wants
// it: from a file, or as it was pasted.
func (s *setup) takePlatformKey(ctx context.Context) error {
	to := s.was.Piaotong.PlatformPublicKeyFile
	from := s.platformKey
	if from == "" && !s.yes && !s.skips(question{section: "piaotong"}) {
		if _, err := os.Stat(to); err == nil {
			return nil // it is there
		}
		var err error
		from, err = s.ask(ctx, say("票通给的平台公钥:文件名,或粘贴那一行(还没有就留空)", "The platform's public key: a file's name, or the line itself (empty if you have none yet)"), "", func(text string) string {
			if _, err := platformKeyOf(text); text != "" && err != nil {
				return err.Error()
			}
			return ""
		})
		if err != nil {
			return err
		}
	}
	if from == "" {
		return nil
	}
	data, err := platformKeyOf(from)
	if err != nil {
		return err
	}
	return writeWhole(to, data, 0o600)
}

// platformKeyOf reads a public key from a file of this name, or the text itself.
func platformKeyOf(text string) ([]byte, error) {
	data := []byte(text)
	if _, err := os.Stat(text); err == nil {
		if data, err = os.ReadFile(text); err != nil {
			return nil, err
		}
	}
	if _, err := piaotong.ParsePublicKey(data); err != nil {
		what := say("不是公钥,也不是公钥文件", "neither a public key nor a file with one")
		if len(text) < 256 { // else it is a key, perhaps a secret one
			what += fmt.Sprintf(" %q", text)
		}
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return data, nil
}
