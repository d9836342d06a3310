package config

import (
	"errors"
	"io/fs"
)

// Wrong is a value that only its use shows to be wrong, such as a file that is not what it should be.
type Wrong struct {
	Key string // such as receipt.logo; of one of [[printers]] with its name, such as printers.kitchen.profile
	Err error
}

func (w *Wrong) Error() string { return w.Key + ": " + w.Err.Error() }

func (w *Wrong) Unwrap() error { return w.Err }

// Locate makes of an error that wraps a *Wrong a *Problems with the place where its key was given; path and environ are
// those of Load. Other errors stay as they are.
func Locate(err error, path string, environ []string) error {
	var wrong *Wrong
	if !errors.As(err, &wrong) {
		return err
	}
	l := newLoader(path)
	if data, err := readFile(path, mostConfig); err == nil {
		l.file(data)
	}
	l.environment(environ)
	at := l.where(wrong.Key)
	p := Problem{File: at.file, Line: at.line, Key: wrong.Key, Message: wrong.Err.Error(), English: wrong.Err.Error()}
	var perr *fs.PathError
	if errors.As(wrong.Err, &perr) {
		zh, en := reason(perr)
		p.Message, p.English = perr.Path+"："+zh, perr.Path+": "+en
	}
	return &Problems{p}
}
