//go:build !windows

package localapi

import "syscall"

// exclusive does nothing: only Windows lets two programs listen on one port
// against the will of the first.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }
