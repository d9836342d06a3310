package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

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
