package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/mod/semver"

	"tillagent/cmd/agent/config"
)

// A release is a manifest, its signature beside it (NAME.sig: the 64 bytes of
// Ed25519 over the manifest as it stands) and one archive for each platform.

const (
	product      = "piaotong-agent"
	mostManifest = 64 << 10  // bytes
	mostArchive  = 100 << 20 // bytes of an archive
	mostProgram  = 100 << 20 // bytes of the program in it
	sigSuffix    = ".sig"
)

// manifest says what a release is made of.
type manifest struct {
	Product string `json:"product"`
	Version string `json:"version"`
	// MinVersion is the oldest version that can be updated to this one; "" takes
	// any.
	MinVersion string                 `json:"min_version,omitempty"`
	Files      map[string]releaseFile `json:"files"` // by os/arch, such as linux/amd64
}

// releaseFile is the archive for one platform.
type releaseFile struct {
	Name   string `json:"name"` // beside the manifest
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// updateKeys are the public keys that the build trusts, separated by commas:
// -ldflags "-X main.updateKeys=KEY,KEY", in the form of [update] keys.
var updateKeys = ""

// trustedKeys are the keys that may sign a release: the build's and the
// configuration's.
func trustedKeys(cfg *config.Config) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	texts := cfg.Update.Keys
	if updateKeys != "" {
		texts = append(strings.Split(updateKeys, ","), texts...)
	}
	for _, text := range texts {
		k, err := parseUpdateKey(text)
		if err != nil {
			return nil, fmt.Errorf("[update] keys: %q: %w", text, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New(say("没有启用更新:配置的 [update] keys 里没有签名公钥。请向供应商索取公钥,或手工安装新版本",
			"updates are switched off: the configuration has no [update] keys. Ask your supplier for the public key, or install the new version by hand"))
	}
	return keys, nil
}

// parseUpdateKey reads a key as it stands in a PEM file, without the lines
// around it.
func parseUpdateKey(text string) (ed25519.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	public, ok := k.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New(say("不是 Ed25519 公钥", "this is no Ed25519 key"))
	}
	return public, nil
}

// openManifest verifies a manifest before anything of it is believed, and reads
// it.
func openManifest(text, sig []byte, keys []ed25519.PublicKey) (*manifest, error) {
	signed := false
	for _, k := range keys {
		signed = signed || len(sig) == ed25519.SignatureSize && ed25519.Verify(k, text, sig)
	}
	if !signed {
		return nil, errors.New(say("发布清单的签名不对:它不是受信任的人签的,或被改动过", "the release's signature is wrong: nobody who is trusted signed it, or it was changed"))
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", say("发布清单读不了", "the release's manifest cannot be read"), err)
	}
	return &m, m.check()
}

// check looks whether a manifest makes sense.
func (m *manifest) check() error {
	if m.Product != product {
		return fmt.Errorf(say("这是 %q 的发布包,不是 %s 的", "this is a release of %q, not of %s"), m.Product, product)
	}
	if !semver.IsValid(canonical(m.Version)) {
		return fmt.Errorf(say("发布清单的版本号不对:%q", "the release has no version: %q"), m.Version)
	}
	if m.MinVersion != "" && !semver.IsValid(canonical(m.MinVersion)) {
		return fmt.Errorf(say("发布清单的 min_version 不对:%q", "the release's min_version is none: %q"), m.MinVersion)
	}
	for platform, f := range m.Files {
		if err := f.check(); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
	}
	return nil
}

// plainName has nothing in it that leads to another folder or means something
// to a system.
var plainName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._+-]*$`).MatchString

const mostName = 128 // bytes

func (f releaseFile) check() error {
	sum, err := hex.DecodeString(f.SHA256)
	switch {
	case len(f.Name) > mostName || !plainName(f.Name) || archiveKind(f.Name) == "":
		return fmt.Errorf(say("文件名不对:%q", "the name of the file will not do: %q"), f.Name)
	case f.Size <= 0 || f.Size > mostArchive:
		return fmt.Errorf(say("文件大小不对:%d 字节", "the size of the file will not do: %d bytes"), f.Size)
	case err != nil || len(sum) != 32:
		return fmt.Errorf(say("SHA-256 不对:%q", "this is no SHA-256: %q"), f.SHA256)
	}
	return nil
}

// mine gives the archive for this program's platform.
func (m *manifest) mine() (releaseFile, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	f, ok := m.Files[platform]
	if !ok {
		return f, fmt.Errorf(say("版本 %s 没有 %s 的程序", "version %s has no program for %s"), m.Version, platform)
	}
	return f, nil
}

// newer reports whether a release is newer than a version.
func (m *manifest) newer(than string) bool {
	return semver.Compare(canonical(m.Version), canonical(than)) > 0
}

// fits says why a release may not follow a version; nil where it may. Force
// takes an older or equal one, too.
func (m *manifest) fits(now string, force bool) error {
	known := semver.IsValid(canonical(now))
	switch {
	case !known && !force:
		return fmt.Errorf(say("本程序的版本 %q 不是发布版,无法比较新旧;确实要换用 --force", "this program's version is %q, no release: nobody can tell which is newer; --force changes it all the same"), now)
	case known && m.MinVersion != "" && semver.Compare(canonical(now), canonical(m.MinVersion)) < 0:
		return fmt.Errorf(say("不能从 %s 直接更新到 %s:先更新到 %s", "%s cannot be updated to %s at once: update to %s first"), now, m.Version, m.MinVersion)
	case !m.newer(now) && !force:
		return fmt.Errorf(say("%s 不比现在的 %s 新;确实要换用 --force", "%s is not newer than %s, which is installed; --force changes it all the same"), m.Version, now)
	}
	return nil
}

// canonical gives a version the v that semver wants.
func canonical(version string) string { return "v" + strings.TrimPrefix(version, "v") }
