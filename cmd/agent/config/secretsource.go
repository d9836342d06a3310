package config

import (
	"os"
	"path/filepath"
	"strings"
)

// NextSuffix marks the file with the key that takes over in a change of keys: it lies beside the present one.
const NextSuffix = ".next"

// credentialsVariable names the folder of the credentials that systemd gives to a service (systemd.exec(5)).
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// Origin says where a secret comes from.
type Origin string

// The origins of a secret.
const (
	FromNowhere     Origin = "none"
	FromConfig      Origin = "config"      // it stands in the configuration file itself
	FromEnvironment Origin = "environment" // AGENT_…
	FromFile        Origin = "file"        // the file that its …_file key names
	FromCredential  Origin = "credential"  // a credential of systemd, which comes before all others
)

// SecretSource tells of a secret or key of the configuration, and nothing of what it is.
type SecretSource struct {
	Name  string // the last part of its key, such as des3_key: also the name of systemd's credential
	Key   string // such as piaotong.des3_key; Key+"_file" names a file
	From  Origin
	Path  string // of the file or credential; else ""
	Named string // the file that the configuration file names, whether or not it is read; "" = none
}

// keyFiles are the keys of which the configuration knows files alone.
var keyFiles = []struct {
	key   string // without _file
	field func(*Config) *string
	next  func(*Config) *string
}{
	{"piaotong.private_key", func(c *Config) *string { return &c.Piaotong.PrivateKeyFile }, func(c *Config) *string { return &c.Piaotong.PrivateKeyNextFile }},
	{"piaotong.platform_public_key", func(c *Config) *string { return &c.Piaotong.PlatformPublicKeyFile }, func(c *Config) *string { return &c.Piaotong.PlatformPublicKeyNextFile }},
}

// des3Path is the one secret that is changed while work goes on.
const des3Path = "piaotong.des3_key"

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// Source gives the source of the secret of a name.
func (c *Config) Source(name string) (SecretSource, bool) {
	for _, s := range c.Secrets {
		if s.Name == name {
			return s, true
		}
	}
	return SecretSource{}, false
}

// Secret gives the text of a secret by its name; "" for none, and for keys that are files.
func (c *Config) Secret(name string) Secret {
	for _, s := range settings {
		if s.secret && lastPart(s.path) == name {
			return s.get(c)
		}
	}
	return ""
}

// useCredentials puts systemd's credentials in the place of what file and environment say.
func (l *loader) useCredentials(environ []string) {
	for _, e := range environ {
		if dir, found := strings.CutPrefix(e, credentialsVariable+"="); found {
			l.credentials = dir
		}
	}
	for _, s := range settings {
		if path := l.credential(lastPart(s.path)); s.secret && path != "" {
			s.reset(l.config)
			delete(l.inline, s.path)
			l.secretFiles[s.path] = secretFile{path, place{file: credentialsVariable}}
		}
	}
	for _, k := range keyFiles {
		if path := l.credential(lastPart(k.key)); path != "" {
			*k.field(l.config) = path
		}
	}
}

// credential gives the path of a credential; "" where there is none.
func (l *loader) credential(name string) string {
	if l.credentials == "" {
		return ""
	}
	return ifThere(filepath.Join(l.credentials, name))
}

func ifThere(path string) string {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// isCredential reports whether systemd looks after a file, its rights included.
func (l *loader) isCredential(path string) bool {
	return l.credentials != "" && filepath.Dir(path) == filepath.Clean(l.credentials)
}

// sources tells where each secret comes from, and finds the next keys. Paths are absolute by now.
func (l *loader) sources() {
	c := l.config
	for _, s := range settings {
		if !s.secret {
			continue
		}
		source := SecretSource{Name: lastPart(s.path), Key: s.path, From: FromNowhere, Named: l.absolute(l.named[s.path])}
		switch f, inFile := l.secretFiles[s.path]; {
		case inFile:
			source.From, source.Path = FromFile, l.absolute(f.path)
			if l.isCredential(source.Path) {
				source.From = FromCredential
			}
		case !l.inline[s.path]:
		case l.given[s.path].file == s.env():
			source.From = FromEnvironment
		default:
			source.From = FromConfig
		}
		c.Secrets = append(c.Secrets, source)
	}
	for _, k := range keyFiles {
		path := *k.field(c)
		source := SecretSource{Name: lastPart(k.key), Key: k.key, From: FromFile, Path: path, Named: path}
		if l.isCredential(path) {
			source.From, source.Named = FromCredential, ""
		}
		c.Secrets = append(c.Secrets, source)
		if path != "" {
			*k.next(c) = ifThere(path + NextSuffix)
		}
	}
	for _, next := range []string{c.Piaotong.PrivateKeyNextFile, c.Piaotong.PlatformPublicKeyNextFile} {
		if next != "" && !l.isCredential(next) {
			c.SecretFiles = append(c.SecretFiles, next)
		}
	}
}

// readNextDES3 reads the 3DES key that takes over, which lies beside the file of the present one.
func (l *loader) readNextDES3() {
	f, inFile := l.secretFiles[des3Path]
	if !inFile || ifThere(l.absolute(f.path)+NextSuffix) == "" {
		return
	}
	v, ok := l.readSecret(f.at, des3Path+"_file"+NextSuffix, f.path+NextSuffix)
	if !ok {
		return
	}
	key, ok := decode[Secret](v)
	if !ok || key == "" || !des3Key.ok(key) {
		l.problem(f.at, des3Path+"_file"+NextSuffix, des3Key.want.zh, des3Key.want.en)
		return
	}
	l.config.Piaotong.DES3KeyNext = key
}
