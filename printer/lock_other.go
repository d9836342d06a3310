//go:build !unix

package printer

// portLock does nothing: Windows opens a serial port for one program only.
type portLock struct{}

func lockPort(string) (*portLock, error) { return &portLock{}, nil }

func (*portLock) exclude() {}
func (*portLock) release() {}
