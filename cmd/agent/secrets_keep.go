package main

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
)

// keeper stores secrets of a configuration file.
type keeper struct {
	path    string
	replace bool
}

// ownPublic gives the public key of a private one.
func ownPublic(data []byte) (*rsa.PublicKey, error) {
	own, err := piaotong.ParsePrivateKey(data)
	if err != nil {
		return nil, err
	}
	return &own.PublicKey, nil
}

// printOf gives the fingerprint of the key in a file, or why there is none.
func printOf(s config.SecretSource, path string, parse func([]byte) (*rsa.PublicKey, error)) (print, problem string) {
	data, err := config.ReadSecretFile(path)
	if err == nil {
		var key *rsa.PublicKey
		if key, err = parse(data); err == nil {
			print, err = fingerprint(key)
		}
	}
	if err != nil {
		return "", s.Key + "_file: " + err.Error()
	}
	return print, ""
}

// source gives the source of a name, as the configuration has it without the
// environment: what is stored must hold for the service too.
func (k keeper) source(name string, environ []string) (*config.Config, config.SecretSource, error) {
	cfg, err := config.Load(k.path, environ)
	if err != nil {
		return nil, config.SecretSource{}, err
	}
	s, _ := cfg.Source(name) // find has looked
	return cfg, s, nil
}

// find refuses a name that is none, before anybody types a secret for it.
func (k keeper) find(name string) error {
	if !slices.Contains(secretNames(), name) {
		text := fmt.Sprintf(say("没有名为 %q 的密钥或口令;有:%s", "there is no key or secret %q; there are: %s"), name, strings.Join(secretNames(), ", "))
		return fmt.Errorf("%w: %s", errUsage, text)
	}
	if _, err := os.Stat(k.path); err != nil {
		_, err = config.Load(k.path, nil) // says it well
		return err
	}
	return nil
}

// secretNames are the names of all keys and secrets.
func secretNames() []string {
	all, err := config.Parse("", nil, nil)
	if err != nil {
		return nil // an empty configuration is a good one
	}
	var names []string
	for _, s := range all.Secrets {
		names = append(names, s.Name)
	}
	return names
}

// set checks a value, stores it, and has the configuration name its file.
func (k keeper) set(out io.Writer, name, value string) error {
	cfg, s, err := k.checked(name, value)
	if err != nil {
		return err
	}
	if s.From == config.FromCredential {
		return errors.New(say("它由 systemd 凭据提供:请更换凭据(systemd-creds encrypt)", "systemd's credentials have it: change the credential (systemd-creds encrypt)"))
	}
	same, other := k.isThere(cfg, s, value)
	if same && s.From != config.FromConfig {
		_, err := fmt.Fprintln(out, say("已经是这个值,没有改动", "it has this value already; nothing is changed"))
		return err
	}
	if other && !k.replace {
		return fmt.Errorf(say("%s 已有另一个值。要替换加 --replace;平台正在使用的密钥请用 agent secrets rotate 更换", "%s has another value. --replace replaces it; keys in use with the platform are changed with agent secrets rotate"), name)
	}
	to := s.Named
	if to == "" {
		to = filepath.Join(secretsDir(cfg), name)
		if err := ensureSecretsDir(cfg); err != nil {
			return err
		}
	}
	if err := storeByName(name, to, value, cfg.DataDir); err != nil {
		return err
	}
	if name == privateKeyName {
		if _, _, err := savePublic(to, publicFile); err != nil {
			return err
		}
	}
	if s.Named == "" {
		s.Path = to
		if err := k.nameFiles([]config.SecretSource{s}); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, say("已存入 %s(%s)\n", "stored in %s (%s)\n"), to, protection(to))
	if _, given := os.LookupEnv(envName(keyOf(s.Key))); given {
		fmt.Fprintf(out, say("! 环境变量 %s 优先于它\n", "! the environment's %s goes before it\n"), envName(keyOf(s.Key)))
	}
	_, err = fmt.Fprintln(out, say("服务在重新启动后使用:agent restart", "the service uses it once it is started again: agent restart"))
	return err
}

// checked loads the configuration as it will be with the value, which must be a
// good one. Without it the configuration may be incomplete.
func (k keeper) checked(name, value string) (*config.Config, config.SecretSource, error) {
	switch name {
	case privateKeyName, platformKeyName:
		cfg, s, err := k.source(name, os.Environ())
		if err != nil {
			return nil, s, err
		}
		return cfg, s, checkKey(cfg, name, value)
	}
	all, err := config.Parse(k.path, nil, nil)
	if err != nil {
		return nil, config.SecretSource{}, err
	}
	s, _ := all.Source(name)
	environ := append(os.Environ(), envName(keyOf(s.Key))+"="+value)
	with, _, err := k.source(name, environ)
	if err != nil {
		return nil, s, err
	}
	// Where it comes from now; a configuration that is not whole without it has none.
	if now, err := config.Load(k.path, os.Environ()); err == nil {
		with = now
	}
	s, _ = with.Source(name)
	return with, s, nil
}

// checkKey refuses what is no key, and our own public key as the platform's.
func checkKey(cfg *config.Config, name, value string) error {
	if name == privateKeyName {
		_, err := piaotong.ParsePrivateKey([]byte(value))
		return err
	}
	peer, err := piaotong.ParsePublicKey([]byte(value))
	if err != nil {
		return err
	}
	for _, file := range []string{cfg.Piaotong.PrivateKeyFile, cfg.Piaotong.PrivateKeyNextFile} {
		if file == "" {
			continue
		}
		if own, err := readPrivateKey("piaotong.private_key_file", file); err == nil && own.PublicKey.Equal(peer) {
			return errors.New(say("这是我方自己的公钥,不是票通给的平台公钥", "this is our own public key, not the platform's"))
		}
	}
	return nil
}

// isThere compares a value with the one that there is now.
func (k keeper) isThere(cfg *config.Config, s config.SecretSource, value string) (same, other bool) {
	now := cfg.Secret(s.Name).Reveal()
	if s.From == config.FromEnvironment {
		now = "" // that of the environment is not replaced
	}
	if s.Named != "" {
		data, err := config.ReadSecretFile(s.Named)
		if errors.Is(err, fs.ErrNotExist) {
			return false, false
		}
		if now = strings.TrimRight(string(data), "\r\n"); err != nil {
			return false, true // what cannot be read is not ours to judge
		}
	}
	return now == strings.TrimRight(value, "\r\n"), now != "" && now != strings.TrimRight(value, "\r\n")
}

// storeSecret writes a secret's file: protected where the system can, for the
// service alone.
func storeSecret(path, value, dataDir string) error {
	sealed, err := config.SealSecret([]byte(withEnd(value)))
	if err != nil {
		return err
	}
	return storeFile(path, sealed, dataDir)
}

// storeByName writes the file of a secret or key. The platform's key is public,
// and stays readable.
func storeByName(name, path, value, dataDir string) error {
	if name == platformKeyName {
		return storeFile(path, []byte(withEnd(value)), dataDir)
	}
	return storeSecret(path, value, dataDir)
}

// withEnd gives a text one end of its last line.
func withEnd(text string) string { return strings.TrimRight(text, "\r\n") + "\n" }

// storeFile writes a file for the service alone. It appears whole or not at all.
func storeFile(path string, contents []byte, dataDir string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Closed to others before it has its name.
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeWhole(part, contents, 0o600); err != nil {
		return err
	}
	defer os.Remove(part) // after the rename there is none
	if was, err := os.Stat(path); err == nil {
		if err := keepOwner(part, was); err != nil {
			return err
		}
	} else if err := guardSecret(part, existing(dataDir)); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// protection says how a file is kept from others.
func protection(path string) string {
	contents, err := os.ReadFile(path)
	if err == nil && config.IsProtected(contents) {
		return say("DPAPI,只在本机可解", "DPAPI, of use on this machine alone")
	}
	if runtime.GOOS == "windows" {
		return say("只有系统、管理员和服务能读", "for the system, administrators and the service alone")
	}
	return "0600"
}

// keyOf splits a configuration's key, such as piaotong.des3_key.
func keyOf(key string) keyValue {
	section, name, _ := strings.Cut(key, ".")
	return keyValue{section: section, key: name}
}

// nameFiles has the configuration name the files of secrets, their Path, instead
// of holding the secrets themselves.
func (k keeper) nameFiles(secrets []config.SecretSource) error {
	was, err := os.ReadFile(k.path)
	if err != nil {
		return err
	}
	info, err := os.Stat(k.path)
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(was), "\r\n") + "\n"
	for _, s := range secrets {
		v := keyOf(s.Key)
		// The key of the file stands for the key itself, where that is written.
		if emptied := setKeys(text, []keyValue{v}); strings.Count(emptied, "\n") == strings.Count(text, "\n") {
			text = emptied
		}
		text = setKeys(text, []keyValue{{section: v.section, key: v.key + "_file", value: s.Path}})
	}
	after, err := config.Parse(k.path, []byte(text), nil)
	if err != nil {
		return errors.New(say("配置没有改动;请手工写上:", "the configuration is not changed; correct it by hand:") + "\n" + message(err))
	}
	for _, s := range secrets {
		if is, _ := after.Source(s.Name); is.From != config.FromFile || is.Path != s.Path {
			return fmt.Errorf(say("配置没有改动:请手工去掉 %s,写上 %[1]s_file = %[2]q", "the configuration is not changed: by hand, take %s out and write %[1]s_file = %[2]q"), s.Key, s.Path)
		}
	}
	part := k.path + ".part"
	if err := writeWhole(part, []byte(text), info.Mode().Perm()); err != nil {
		return err
	}
	defer os.Remove(part) // after the rename there is none
	if err := keepOwner(part, info); err != nil {
		return err
	}
	return os.Rename(part, k.path)
}

// moveAll moves every secret that stands in the configuration into a file.
func (k keeper) moveAll(out io.Writer) error {
	cfg, err := config.Load(k.path, nil) // of the file alone
	if err != nil {
		return err
	}
	var moved []config.SecretSource
	for _, s := range cfg.Secrets {
		if s.From != config.FromConfig {
			continue
		}
		if err := ensureSecretsDir(cfg); err != nil {
			return err
		}
		s.Path = filepath.Join(secretsDir(cfg), s.Name)
		if err := storeSecret(s.Path, cfg.Secret(s.Name).Reveal(), cfg.DataDir); err != nil {
			return err
		}
		moved = append(moved, s)
	}
	if moved != nil {
		if err := k.nameFiles(moved); err != nil {
			return err
		}
	}
	for _, s := range moved {
		fmt.Fprintf(out, "%s → %s (%s)\n", s.Key, s.Path, protection(s.Path))
	}
	sealed, err := sealPlain(cfg)
	for _, file := range sealed {
		fmt.Fprintf(out, "%s (%s)\n", file, protection(file))
	}
	switch {
	case err != nil:
	case len(moved)+len(sealed) == 0:
		_, err = fmt.Fprintln(out, say("没有要移的:没有明文写在配置里的口令", "nothing to move: no secret stands in the configuration"))
	default:
		_, err = fmt.Fprintln(out, say("服务在重新启动后使用:agent restart", "the service uses them once it is started again: agent restart"))
	}
	return err
}

// sealPlain protects the files of secrets that are plain, where the system can.
func sealPlain(cfg *config.Config) (sealed []string, err error) {
	for _, s := range cfg.Secrets {
		if s.From != config.FromFile || s.Name == platformKeyName {
			continue
		}
		contents, err := os.ReadFile(s.Path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && config.IsProtected(contents) {
			continue
		}
		if err != nil {
			return sealed, err
		}
		if now, err := config.SealSecret(contents); err != nil || bytes.Equal(now, contents) {
			return sealed, err // this system protects no files
		}
		if err := storeSecret(s.Path, string(contents), cfg.DataDir); err != nil {
			return sealed, err
		}
		sealed = append(sealed, s.Path)
	}
	return sealed, nil
}
