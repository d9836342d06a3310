package main

import (
	"os"
	"path/filepath"
	"strings"

	"tillagent/cmd/agent/config"
)

// programName is what this program is called here: agent, or piaotong-agent where
// it is installed.
func programName() string { return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") }

// ownFiles are the files that a configuration names and that are the agent's
// own: itself and what it keeps keys and secrets in. Some may not be there yet.
func ownFiles(cfg *config.Config, path string) []string {
	files := append([]string{path, cfg.Piaotong.PrivateKeyFile, cfg.Piaotong.PlatformPublicKeyFile}, cfg.SecretFiles...)
	for _, f := range []string{cfg.API.TLSCertFile, cfg.API.TLSKeyFile, cfg.Tax.Catalogue, cfg.Receipt.Logo} {
		if f != "" {
			files = append(files, f)
		}
	}
	return files
}
