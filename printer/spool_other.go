//go:build !windows

package printer

import "errors"

func openSpooler(string) (spooler, error) {
	return nil, errors.New("windows: ports are on Windows only")
}
