//go:build !unix

package printer

// portLock does nothing: Windows opens a serial port for one program only.
type portLock struct{}

func lockPort(string) (*portLock, error) { return &portLock{}, nil }

func (*portLock) exclude() {}
func (*portLock) release() {}

// busyIsPermission: Windows says "access denied" of a port another program has.
func (*portLock) busyIsPermission() bool { return true }
