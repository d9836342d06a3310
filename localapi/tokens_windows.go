package localapi

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// likeFolder does nothing: on Windows a file has the rights of its folder.
func likeFolder(*os.File, string) error { return nil }

// errSharingViolation is ERROR_SHARING_VIOLATION of winerror.h.
const errSharingViolation syscall.Errno = 32

// rename moves a file onto another. Windows refuses that while somebody reads
// the other one, which takes the service a moment.
func rename(from, to string) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for tries := 0; ; tries++ {
		err := os.Rename(from, to)
		if busy := errors.Is(err, errSharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED); !busy || tries == 50 {
			return err
		}
		<-again.C
	}
}
