package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
	"tillagent/worker"
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
			defer tellOutside(cfg, a.store, log)()
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

// tellOutside tells alerts to the addresses of the configuration until the
// function that it returns is called.
func tellOutside(cfg *config.Config, store *queue.Store, log *slog.Logger) (end func()) {
	host, err := os.Hostname()
	if err != nil {
		log.Warn("this machine's name cannot be read", "err", err)
	}
	c := cfg.Alerts
	o := worker.NewOutward(worker.OutwardOptions{Store: store, Webhook: c.Webhook.Reveal(), WeCom: c.WeCom.Reveal(),
		DingTalk: c.DingTalk.Reveal(), DingTalkSecret: c.DingTalkSecret.Reveal(), Feishu: c.Feishu.Reveal(), FeishuSecret: c.FeishuSecret.Reveal(),
		Shop: worker.OutwardShop{EnterpriseName: cfg.Piaotong.EnterpriseName, ShopNum: cfg.Piaotong.ShopNum, Host: host}, Log: log})
	stop, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Run(stop)
	}()
	return func() {
		cancel()
		<-done
	}
}

// notYet warns of what is set and this version does not act on.
func notYet(cfg *config.Config, log *slog.Logger) {
	if cfg.API.AllowRemote {
		log.Warn("this version does not act on a key of the configuration yet", "key", "api.allow_remote")
	}
}
