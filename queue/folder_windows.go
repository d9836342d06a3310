package queue

import "os"

// likeFolder does nothing: on Windows a file has the rights of its folder.
func likeFolder(*os.File) error { return nil }

// syncFolder does nothing: NTFS journals its names, and Windows flushes no
// folder.
func syncFolder(string) error { return nil }
