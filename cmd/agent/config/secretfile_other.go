//go:build !windows

package config

// canProtect: elsewhere than on Windows the file's rights protect it, or systemd's credentials take its place.
const canProtect = false

func protect([]byte) ([]byte, error) { return nil, errForeign }

func unprotect([]byte) ([]byte, error) { return nil, errForeign }
