package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
)

// The lengths of keys: the platform documents 1024 bits, and does not say
// whether it takes more.
const (
	documentedBits = 1024
	longerBits     = 2048
)

// publicFile is where the public key is put, to be sent to Piaotong.
const publicFile = "public-key-for-piaotong.txt"

func keygenCommand() *cobra.Command {
	var out string
	var bits int
	var public, asJSON bool
	cmd := &cobra.Command{
		Use:   "keygen [--out private.pem] [--bits 1024|2048]",
		Short: "生成 RSA 密钥对,显示要发给票通的公钥  Makes the RSA key pair and shows the public key to send to Piaotong",
		Long: `生成 RSA 密钥对:私钥存为 PKCS#8 PEM(0600),公钥以一行 base64 显示并存到旁边的 ` + publicFile + `。
已有私钥不会被覆盖。默认 1024 位,是票通文档所写的;2048 位请先与票通确认。

Makes the RSA key pair: the private key as PKCS#8 PEM (0600); the public key is shown as one line of base64 and saved beside it
in ` + publicFile + `. A private key that is there is never replaced. 1024 bits are what Piaotong documents; ask it
before using 2048.`,
		Example: "  agent keygen --out /etc/piaotong-agent/private.pem\n  agent keygen --out private.pem --public",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bits != documentedBits && bits != longerBits {
				return fmt.Errorf("%w: --bits: %d, %d", errUsage, documentedBits, longerBits)
			}
			if !public {
				if err := makeKey(out, bits); err != nil {
					return err
				}
			} else if !cmd.Flags().Changed("out") {
				out = keyInUse(out, defaultConfigFile())
			}
			line, beside, err := savePublic(out, publicFile)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"private_key_file": out, "public_key": line, "public_key_file": beside})
			}
			fmt.Fprintf(cmd.ErrOrStderr(), say("把下面这一行公钥发给票通(也存于 %s):\n", "send this line, our public key, to Piaotong (it is in %s too):\n"), beside)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "private.pem", "私钥文件  the private key")
	cmd.Flags().IntVar(&bits, "bits", documentedBits, "1024, 2048")
	cmd.Flags().BoolVar(&public, "public", false, "只显示已有私钥的公钥  only show the public key of the private key that is there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

// keyInUse gives the private key to show the public one of: that in this folder,
// else that of the installed agent, whose configuration is at path.
func keyInUse(here, path string) string {
	if _, err := os.Stat(here); !errors.Is(err, fs.ErrNotExist) {
		return here
	}
	if cfg, err := config.Load(path, os.Environ()); err == nil && cfg.Piaotong.PrivateKeyFile != "" {
		return cfg.Piaotong.PrivateKeyFile
	}
	return here
}

// makeKey makes a private key; one that is there stays, and is an error.
func makeKey(path string, bits int) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(say("%s 已存在,不覆盖;加 --public 显示它的公钥", "%s is there already and is not replaced; --public shows its public key"), path)
	}
	text, err := newPrivateKey(bits)
	if err != nil {
		return err
	}
	if err := writeWhole(path, text, 0o600); err != nil {
		return err
	}
	return guardSecret(path, keyUser(path, defaultConfigFile()))
}

// keyUser is the folder whose owner uses a private key: that of the installed
// agent's data, if its configuration, which is at configFile, names the key, else that
// of the key itself.
func keyUser(path, configFile string) string {
	if cfg, err := config.Load(configFile, os.Environ()); err == nil {
		key, err := filepath.Abs(path)
		if err == nil && key == cfg.Piaotong.PrivateKeyFile {
			return existing(cfg.DataDir)
		}
	}
	return filepath.Dir(path)
}

// newPrivateKey makes a private key as PKCS#8 PEM.
func newPrivateKey(bits int) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// publicKey gives the public key of a private one as the platform wants it: one
// line of base64 of its SubjectPublicKeyInfo.
func publicKey(path string) (string, error) {
	data, err := config.ReadSecretFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	key, err := piaotong.ParsePrivateKey(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return base64.StdEncoding.EncodeToString(der), err
}

// savePublic writes the public key of a private one into a file of a name beside
// it, to be sent to Piaotong, and gives the line and the file.
func savePublic(private, name string) (line, file string, err error) {
	if line, err = publicKey(private); err != nil {
		return "", "", err
	}
	file = filepath.Join(filepath.Dir(private), name)
	return line, file, writeWhole(file, []byte(line+"\n"), 0o644)
}

// writeWhole writes a file so that it appears whole or not at all. The folder is
// made if missing.
func writeWhole(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".part-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is none
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
