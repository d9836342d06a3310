package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"
)

// platformOfName finds the platform in an archive's name, such as
// piaotong-agent-1.2.0-linux-amd64.tar.gz.
var platformOfName = regexp.MustCompile(`[-_](linux|windows)[-_]([0-9a-z]+)\.(?:zip|tar\.gz)$`).FindStringSubmatch

func makeCommand() *cobra.Command {
	var key, out string
	m := manifest{Product: product}
	cmd := &cobra.Command{
		Use:    "make --key FILE --version V [--min-version V] [--out FILE] ARCHIVE…",
		Short:  "制作并签名发布清单  Makes and signs the manifest of a release",
		Hidden: true,
		Long: `给一次发布的各个压缩包写清单并签名:FILE(release.json)和 FILE.sig,放在压缩包旁边。平台取自文件名(…-linux-amd64.tar.gz、…-windows-amd64.zip)。
签名密钥用 openssl 生成,私钥不要放在收银机上;公钥那一行填进 [update] keys。

Writes and signs the manifest of a release: FILE (release.json) and FILE.sig, beside the archives. The platforms are taken from the archives'
names (…-linux-amd64.tar.gz, …-windows-amd64.zip). openssl makes the signing key, which has no place on a till; the line of the public one goes
into [update] keys.`,
		Example: `  openssl genpkey -algorithm ed25519 -out release-key.pem
  agent update make --key release-key.pem --version 1.2.0 piaotong-agent-1.2.0-*.tar.gz piaotong-agent-1.2.0-*.zip`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return missing(cmd, "ARCHIVE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case key == "":
				return missing(cmd, "--key")
			case m.Version == "":
				return missing(cmd, "--version")
			}
			return makeRelease(cmd.OutOrStdout(), key, out, m, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "Ed25519 私钥(PEM)  the private Ed25519 key, PEM")
	f.StringVar(&m.Version, "version", "", "版本,如 1.2.0  the version, such as 1.2.0")
	f.StringVar(&m.MinVersion, "min-version", "", "能直接更新的最旧版本  the oldest version that can be updated to it")
	f.StringVar(&out, "out", "", "清单,默认是第一个压缩包旁的 release.json  the manifest; release.json beside the first archive by default")
	return cmd
}

// makeRelease writes a manifest for archives, and its signature.
func makeRelease(w io.Writer, keyFile, out string, m manifest, archives []string) error {
	key, err := readSigningKey(keyFile)
	if err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	if out == "" {
		out = filepath.Join(filepath.Dir(archives[0]), "release.json")
	}
	m.Files = map[string]releaseFile{}
	for _, a := range archives {
		platform, f, err := describeArchive(a)
		if err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
		if was, twice := m.Files[platform]; twice {
			return fmt.Errorf(say("%s 有两个压缩包:%s 和 %s", "%s has two archives: %s and %s"), platform, was.Name, f.Name)
		}
		m.Files[platform] = f
	}
	if err := m.check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if err := errors.Join(writeWhole(out, text, 0o644), writeWhole(out+sigSuffix, ed25519.Sign(key, text), 0o644)); err != nil {
		return err
	}
	public, err := publicLine(key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, say("已签名:%s\n公钥(填进 [update] keys):%s\n", "signed: %s\nits public key, for [update] keys: %s\n"), out, public)
	return err
}

func readSigningKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New(say("不是 PEM 文件", "this is no PEM file"))
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New(say("不是 Ed25519 私钥", "this is no Ed25519 key"))
	}
	return private, nil
}

// publicLine is the public half of a key in the form of [update] keys.
func publicLine(key ed25519.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return base64.StdEncoding.EncodeToString(der), err
}

// describeArchive describes an archive, after looking whether it has the
// program that its name promises.
func describeArchive(path string) (platform string, f releaseFile, err error) {
	m := platformOfName(filepath.Base(path))
	if m == nil {
		return "", f, errors.New(say("文件名里没有平台(应像 …-linux-amd64.tar.gz)", "its name has no platform (it should be like …-linux-amd64.tar.gz)"))
	}
	platform = m[1] + "/" + m[2]
	archive, err := os.Open(path)
	if err != nil {
		return "", f, err
	}
	defer archive.Close()
	program, err := os.CreateTemp("", product)
	if err != nil {
		return "", f, err
	}
	defer func() { err = errors.Join(err, program.Close(), os.Remove(program.Name())) }()
	if err := extractProgram(archive, releasedName(m[1]), program); err != nil {
		return "", f, err
	}
	if err := checkBuiltFor(program, platform); err != nil {
		return "", f, err
	}
	info, err := archive.Stat()
	if err != nil {
		return "", f, err
	}
	f = releaseFile{Name: info.Name(), Size: info.Size()}
	f.SHA256, err = sumFile(path)
	return platform, f, err
}
