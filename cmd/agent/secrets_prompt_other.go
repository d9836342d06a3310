//go:build unix && !linux

package main

import "os"

// hideInput knows no terminals here: input comes through a pipe or from a file.
func hideInput(*os.File) (restore func(), isTerminal bool, err error) {
	return func() {}, false, nil
}
