package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
)

func runCommand() *cobra.Command {
	var path string
	var newDatabase bool
	cmd := &cobra.Command{
		Use:     "run --config FILE",
		Short:   "前台运行服务  The service, in the foreground",
		Example: "  agent run --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			log := logger(cmd.ErrOrStderr(), cfg.Log.Level)
			var dial dialer
			if dir, ok := strings.CutPrefix(cfg.Printer.Port, paperPort); ok {
				p, d, err := paperDialer(cfg.Printer, dir, log)
				if err != nil {
					return err
				}
				defer p.Close()
				dial = d
			}
			notYet(cfg, log)
			if newDatabase {
				if err := queue.NewDatabase(databaseOptions(cfg)); err != nil {
					return advise(err, path)
				}
			}
			a, err := start(cfg, dial, log)
			if err != nil {
				return advise(err, path)
			}
			defer a.stop()
			select {
			case <-cmd.Context().Done():
				log.Info("stopping")
				return nil
			case err := <-a.failed:
				return advise(err, path)
			}
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&newDatabase, "new-database", false, "数据库损坏或丢失后另起新库  start with an empty database after the old one was damaged or lost")
	return cmd
}

// logger writes to w at a level of the configuration.
func logger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// notYet warns of keys that are set and that this version does not act on.
func notYet(cfg *config.Config, log *slog.Logger) {
	for key, set := range map[string]bool{
		"alerts": cfg.Alerts != config.Alerts{}, "api.allow_remote": cfg.API.AllowRemote,
	} {
		if set {
			log.Warn("this version does not act on a key of the configuration yet", "key", key)
		}
	}
}
