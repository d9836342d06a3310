package queue

import "testing"

// TestSyncFolderThatCannot flushes a folder whose file system has no way to, as
// that of some network shares: a copy that was made there is made.
func TestSyncFolderThatCannot(t *testing.T) {
	if err := syncFolder("/proc/self/status"); err != nil {
		t.Error(err)
	}
	if err := syncFolder("/proc/no such folder/x"); err == nil {
		t.Error("a folder that is not there is flushed")
	}
}
