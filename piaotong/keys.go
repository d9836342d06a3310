package piaotong

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The platform documents 1024-bit keys; whether it takes more is not said.
const (
	minKeyBits = 1024
	maxKeyBits = 4096
	// shortKeyBits and more need no warning.
	shortKeyBits = 2048
)

// ParsePrivateKey reads an RSA private key of 1024 to 4096 bits: PKCS#8 or
// PKCS#1, as PEM or as bare base64, with or without line breaks. What the key
// is, is found by parsing: a public client of the platform wraps PKCS#8 bytes
// into a PEM block named "RSA PRIVATE KEY". Errors never quote the data.
func ParsePrivateKey(data []byte) (*rsa.PrivateKey, error) {
	der, label, err := keyDER(data)
	if err != nil {
		return nil, fmt.Errorf("private key: %v", err)
	}
	if label == "ENCRYPTED PRIVATE KEY" {
		return nil, errors.New("private key: it is protected by a password; convert it to a plain one")
	}
	var key *rsa.PrivateKey
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		var ok bool
		if key, ok = k.(*rsa.PrivateKey); !ok {
			return nil, errors.New("private key: it is not an RSA key")
		}
	} else if key, err = x509.ParsePKCS1PrivateKey(der); err != nil {
		if _, err := ParsePublicKey(data); err == nil {
			return nil, errors.New("private key: this is a public key")
		}
		return nil, errors.New("private key: neither PKCS#8 nor PKCS#1")
	}
	if err := checkKeyBits(&key.PublicKey); err != nil {
		return nil, fmt.Errorf("private key: %v", err)
	}
	return key, nil
}

// ParsePublicKey reads an RSA public key of 1024 to 4096 bits: X.509
// SubjectPublicKeyInfo or PKCS#1, as PEM or as bare base64.
func ParsePublicKey(data []byte) (*rsa.PublicKey, error) {
	der, _, err := keyDER(data)
	if err != nil {
		return nil, fmt.Errorf("public key: %v", err)
	}
	var key *rsa.PublicKey
	if k, err := x509.ParsePKIXPublicKey(der); err == nil {
		var ok bool
		if key, ok = k.(*rsa.PublicKey); !ok {
			return nil, errors.New("public key: it is not an RSA key")
		}
	} else if key, err = x509.ParsePKCS1PublicKey(der); err != nil {
		return nil, errors.New("public key: neither SubjectPublicKeyInfo nor PKCS#1")
	}
	if err := checkKeyBits(key); err != nil {
		return nil, fmt.Errorf("public key: %v", err)
	}
	return key, nil
}

// keyDER takes the armour off; label is "" for bare base64.
func keyDER(data []byte) (der []byte, label string, err error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(text) == 0 {
		return nil, "", errors.New("empty")
	}
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes, block.Type, nil
	}
	if bytes.HasPrefix(text, []byte("-----")) {
		return nil, "", errors.New("damaged PEM")
	}
	der, err = decodeBase64(string(text))
	if err != nil {
		return nil, "", errors.New("neither PEM nor base64")
	}
	return der, "", nil
}

func checkKeyBits(key *rsa.PublicKey) error {
	if key.N == nil {
		return errors.New("empty")
	}
	if n := key.N.BitLen(); n < minKeyBits || n > maxKeyBits {
		return fmt.Errorf("has %d bits, must have %d to %d", n, minKeyBits, maxKeyBits)
	}
	return nil
}

// checkKeys returns every problem of a set of keys, by the names of [Options].
func checkKeys(own *rsa.PrivateKey, peer *rsa.PublicKey, des3Key string) []error {
	var problems []error
	problem := func(option, text string) {
		problems = append(problems, optionError(option, text))
	}
	if err := checkDES3Key(des3Key); err != nil {
		problem("DES3Key", err.Error())
	}
	ownOK, peerOK := false, false
	if own == nil {
		problem("PrivateKey", "missing")
	} else if err := checkKeyBits(&own.PublicKey); err != nil {
		problem("PrivateKey", err.Error())
	} else {
		ownOK = true
	}
	if peer == nil {
		problem("PlatformKey", "missing")
	} else if err := checkKeyBits(peer); err != nil {
		problem("PlatformKey", err.Error())
	} else {
		peerOK = true
	}
	// A frequent mix-up, and it would accept our own messages reflected.
	if ownOK && peerOK && own.PublicKey.Equal(peer) {
		problem("PlatformKey", "is our own public key, not the platform's")
	}
	return problems
}

// isAlnum reports whether s has only ASCII letters and digits.
func isAlnum(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}
