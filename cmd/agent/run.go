package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
)

func runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "run --config FILE",
		Short:   "前台运行服务  The service, in the foreground",
		Example: "  agent run --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return fmt.Errorf("%w: %s\n%s", errUsage, say("缺少 --config", "--config is missing"), cmd.UsageString())
			}
			cfg, err := config.Load(path, os.Environ())
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
			a, err := start(cfg, dial, log)
			if err != nil {
				return err
			}
			defer a.stop()
			select {
			case <-cmd.Context().Done():
				log.Info("stopping")
				return nil
			case err := <-a.failed:
				return err
			}
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "配置文件  the configuration file (see config.example.toml)")
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
		"alerts": cfg.Alerts != config.Alerts{}, "backup.dir": cfg.Backup.Dir != "", "api.allow_remote": cfg.API.AllowRemote,
	} {
		if set {
			log.Warn("this version does not act on a key of the configuration yet", "key", key)
		}
	}
}
