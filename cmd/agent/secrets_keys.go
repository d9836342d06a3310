package main

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
)

// platformKeys are the keys of a configuration, those that take over included.
type platformKeys struct {
	own  *rsa.PrivateKey
	peer *rsa.PublicKey
	next piaotong.NextKeys
}

// readKeys reads the keys of the platform's section. Errors name the
// configuration's key and the file.
func readKeys(c config.Piaotong) (k platformKeys, err error) {
	if k.own, err = readPrivateKey("piaotong.private_key_file", c.PrivateKeyFile); err != nil {
		return k, err
	}
	if k.peer, err = readPublicKey("piaotong.platform_public_key_file", c.PlatformPublicKeyFile); err != nil {
		return k, err
	}
	if c.PrivateKeyNextFile != "" {
		if k.next.PrivateKey, err = readPrivateKey("piaotong.private_key_file", c.PrivateKeyNextFile); err != nil {
			return k, err
		}
	}
	if c.PlatformPublicKeyNextFile != "" {
		if k.next.PlatformKey, err = readPublicKey("piaotong.platform_public_key_file", c.PlatformPublicKeyNextFile); err != nil {
			return k, err
		}
	}
	k.next.DES3Key = c.DES3KeyNext.Reveal()
	return k, nil
}

func readPrivateKey(key, path string) (*rsa.PrivateKey, error) {
	data, err := config.ReadSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", key, path, err)
	}
	own, err := piaotong.ParsePrivateKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", key, path, err)
	}
	return own, nil
}

func readPublicKey(key, path string) (*rsa.PublicKey, error) {
	data, err := config.ReadSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", key, path, err)
	}
	peer, err := piaotong.ParsePublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", key, path, err)
	}
	return peer, nil
}

// fingerprint names a public key: the SHA-256 of its SubjectPublicKeyInfo.
func fingerprint(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return "SHA256:" + hex.EncodeToString(sum[:]), nil
}
