package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"

	"tillagent/cmd/agent/config"
)

// This file looks who may read the files with keys and secrets: at every start,
// and in doctor.

// exposure is a file with a key or a secret that others can use.
type exposure struct {
	path string
	who  string // the file's mode, or the accounts
}

func (e exposure) what() string {
	return fmt.Sprintf(say("%s 其他用户可读写(%s)", "other users may read or write %s (%s)"), e.path, e.who)
}

// exposed gives the files of a configuration that others can use. Files that
// are not there, or cannot be looked at, are others' matter: who reads them says so.
func exposed(cfg *config.Config, path string) (all []exposure, err error) {
	files := append([]string{path}, cfg.SecretFiles...)
	for _, name := range []string{privateKeyName, platformKeyName} {
		if s, _ := cfg.Source(name); s.From == config.FromFile && cfg.Piaotong.Configured() {
			files = append(files, s.Path)
		}
	}
	if cfg.API.TLSKeyFile != "" {
		files = append(files, cfg.API.TLSKeyFile)
	}
	for _, f := range files {
		who, err := othersOf(f)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f, err)
		case who != "" && !isPublic(cfg, f):
			all = append(all, exposure{f, who})
		}
	}
	return all, nil
}

// isPublic reports whether a file holds the platform's public key, which anybody
// may read, if nobody else can change it.
func isPublic(cfg *config.Config, file string) bool {
	p := cfg.Piaotong
	return (file == p.PlatformPublicKeyFile || file == p.PlatformPublicKeyNextFile) && !othersMayWrite(file)
}

// isPrivateKey reports whether a file holds a private key of ours.
func isPrivateKey(cfg *config.Config, file string) bool {
	p := cfg.Piaotong
	return file == p.PrivateKeyFile || file == p.PrivateKeyNextFile
}

// guardStart refuses to start with a private key that others can read: it signs
// for every enterprise that is bound to the platform code, and a start that went
// on would leave it so for years. Of other files it warns, and sales go on; where
// the system's rights cannot be judged for certain, of the private key too.
func guardStart(cfg *config.Config, path string, log *slog.Logger) error {
	all, err := exposed(cfg, path)
	if err != nil {
		return err
	}
	var refused []string
	for _, e := range all {
		if isPrivateKey(cfg, e.path) && rightsAreCertain {
			refused = append(refused, e.what()+" → "+closeToOthers(e.path))
			continue
		}
		log.Warn("other users may read a file with secrets", "file", e.path, "who", e.who, "do", closeToOthers(e.path))
	}
	if refused != nil {
		return errors.New(say("我方私钥没有保护好,不启动:", "our private key is not safe, so the agent does not start: ") + strings.Join(refused, "\n"))
	}
	return nil
}

// sddlEntry is one entry of an access list in SDDL: type, flags, rights, and who.
var sddlEntry = regexp.MustCompile(`\((X?A|OA);([A-Z]*);([^;()]*);[^;()]*;[^;()]*;([^;()]*)`)

// trustedSIDs may use everything: SYSTEM, the administrators, the service's
// account, and whoever owns the file, by every name.
var trustedSIDs = []string{"SY", "S-1-5-18", "BA", "S-1-5-32-544", "LS", "S-1-5-19", "OW", "S-1-3-4"}

// sddlOthers reads from a security descriptor of Windows who else may do anything
// with its file, in SDDL's names.
func sddlOthers(sddl string) []string {
	if !strings.Contains(sddl, "D:") || strings.Contains(sddl, "NO_ACCESS_CONTROL") {
		return []string{"WD"} // no list lets everybody in
	}
	owner := ""
	if after, found := strings.CutPrefix(sddl, "O:"); found {
		owner, _, _ = strings.Cut(after, "G:")
		owner, _, _ = strings.Cut(owner, "D:")
	}
	trusted := map[string]bool{owner: owner != ""}
	for _, s := range trustedSIDs {
		trusted[s] = true
	}
	var others []string
	for _, m := range sddlEntry.FindAllStringSubmatch(sddl, -1) {
		flags, rights, who := m[2], m[3], m[4]
		if strings.Contains(flags, "IO") || rights == "" || trusted[who] {
			continue // for what will be made in it; nothing; ours
		}
		trusted[who] = true // named once
		others = append(others, who)
	}
	return others
}
