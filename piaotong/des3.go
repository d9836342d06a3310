package piaotong

import (
	"crypto/cipher"
	"crypto/des"
	"encoding/base64"
	"errors"
	"fmt"
)

// des3KeyLen is the length of the configured key in ASCII characters, which
// are the key's bytes: neither hex nor base64.
const des3KeyLen = 24

// des3 is the content's cipher: DES-EDE with three keys, ECB, PKCS#5 padding.
// ECB is the platform's choice; the Go library leaves it to its callers.
// GODEBUG=fips140=only refuses 3DES and so cannot be used with this platform.
type des3 struct{ block cipher.Block }

func checkDES3Key(key string) error {
	if len(key) != des3KeyLen {
		return fmt.Errorf("has %d bytes, must have %d ASCII characters", len(key), des3KeyLen)
	}
	for i := range len(key) {
		if key[i] < 0x20 || key[i] > 0x7e {
			return errors.New("holds a character that is not printable ASCII")
		}
	}
	return nil
}

func newDES3(key string) (des3, error) {
	if err := checkDES3Key(key); err != nil {
		return des3{}, err
	}
	block, err := des.NewTripleDESCipher([]byte(key))
	return des3{block}, err
}

// encrypt returns the ciphertext in standard base64, without line breaks.
func (d des3) encrypt(plain []byte) string {
	pad := des.BlockSize - len(plain)%des.BlockSize
	buf := make([]byte, len(plain)+pad)
	copy(buf, plain)
	for i := len(plain); i < len(buf); i++ {
		buf[i] = byte(pad)
	}
	for i := 0; i < len(buf); i += des.BlockSize {
		d.block.Encrypt(buf[i:], buf[i:])
	}
	return base64.StdEncoding.EncodeToString(buf)
}

// decrypt undoes encrypt. That it succeeds proves little: garbage of a wrong
// key ends in valid padding about once in 256 times.
func (d des3) decrypt(text string) ([]byte, error) {
	buf, err := decodeBase64(text)
	if err != nil {
		return nil, errors.New("not base64")
	}
	// The block cipher panics on a partial block.
	if len(buf) == 0 || len(buf)%des.BlockSize != 0 {
		return nil, fmt.Errorf("%d bytes of ciphertext are not whole blocks", len(buf))
	}
	for i := 0; i < len(buf); i += des.BlockSize {
		d.block.Decrypt(buf[i:], buf[i:])
	}
	pad := int(buf[len(buf)-1])
	if pad < 1 || pad > des.BlockSize {
		return nil, errors.New("wrong padding")
	}
	for _, b := range buf[len(buf)-pad:] {
		if int(b) != pad {
			return nil, errors.New("wrong padding")
		}
	}
	return buf[:len(buf)-pad], nil
}
