package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/natefinch/lumberjack.v2"

	"tillagent/cmd/agent/config"
)

// The log's files: the newest as it is written, the older ones compressed, so
// that all of them take some 15 MB.
const (
	logMB      = 10
	logBackups = 5
)

func logDir(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "logs") }

func logFile(cfg *config.Config) string { return filepath.Join(logDir(cfg), "agent.log") }

// openLog opens the log of a configuration: JSON lines in DATA_DIR/logs, which
// are rotated, and text on w from a level on. Whoever may not read the data
// folder may not read the log.
func openLog(cfg *config.Config, w io.Writer, from string) (*slog.Logger, io.Closer, error) {
	if err := os.MkdirAll(logDir(cfg), 0o700); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", say("无法建立日志目录", "cannot make the folder of the log"), err)
	}
	file := &lumberjack.Logger{Filename: logFile(cfg), MaxSize: logMB, MaxBackups: logBackups, Compress: true, LocalTime: true}
	log := slog.New(slog.NewMultiHandler(
		slog.NewJSONHandler(file, &slog.HandlerOptions{Level: levelOf(cfg.Log.Level)}),
		slog.NewTextHandler(w, &slog.HandlerOptions{Level: levelOf(from)})))
	return log, file, nil
}

// logTail is how much of the end of each of the log's files is looked at for its
// last lines, in bytes; a line takes some 200.
const logTail = 512 << 10

// lastLines gives the last lines of a configuration's log, oldest first.
func lastLines(cfg *config.Config) func(lines int) ([]json.RawMessage, error) {
	return func(lines int) ([]json.RawMessage, error) {
		text, err := tail(logFile(cfg), logTail)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // nothing was logged yet, or only on the terminal
		}
		last := jsonLines(text)
		if err == nil && len(last) < lines { // the file may have been begun a moment ago
			var before []byte
			before, err = rotatedTail(logDir(cfg))
			last = append(jsonLines(before), last...)
		}
		return last[max(0, len(last)-lines):], err
	}
}

func jsonLines(text []byte) (lines []json.RawMessage) {
	for line := range bytes.Lines(text) {
		if json.Valid(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// rotatedTail is the end of the newest file that was put aside. Their names have
// the time in them, so that the last one is the newest.
func rotatedTail(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "agent-*.log*"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".gz")
	}
	newest := slices.Max(files)
	// It is there until its compressed copy is whole.
	text, err := tail(newest, logTail)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	f, err := os.Open(newest + ".gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(z, (logMB+1)<<20))
	if len(text) > logTail {
		_, text, _ = bytes.Cut(text[len(text)-logTail:], []byte("\n"))
	}
	return text, err
}

// levelOf reads a level of the configuration.
func levelOf(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}

// logger writes text to w from a level on.
func logger(w io.Writer, level string) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: levelOf(level)}))
}

// logEnd writes why the agent ends into the log. Errors that tell people what
// to do have several lines; the log gets what they are made of.
func logEnd(log *slog.Logger, err error) {
	var advice *adviceError
	if errors.As(err, &advice) {
		err = advice.err
	}
	log.Error("the agent ends", "err", err)
}
