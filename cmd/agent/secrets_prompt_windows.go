package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// hideInput stops the echo of a console until restore is called. isTerminal is
// false for pipes and files, of which nothing is changed.
func hideInput(f *os.File) (restore func(), isTerminal bool, err error) {
	h := windows.Handle(f.Fd())
	var was uint32
	if err := windows.GetConsoleMode(h, &was); err != nil {
		return func() {}, false, nil
	}
	hidden := was&^windows.ENABLE_ECHO_INPUT | windows.ENABLE_PROCESSED_INPUT | windows.ENABLE_LINE_INPUT
	if err := windows.SetConsoleMode(h, hidden); err != nil {
		return nil, true, err
	}
	return func() { _ = windows.SetConsoleMode(h, was) }, true, nil
}
