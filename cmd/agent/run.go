package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
	"tillagent/worker"
)

func runCommand() *cobra.Command {
	r := &runner{}
	var managed bool
	cmd := &cobra.Command{
		Use:     "run --config FILE",
		Short:   "前台运行服务  The service, in the foreground",
		Example: "  agent run --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.path == "" {
				return missing(cmd, "--config")
			}
			r.stderr = cmd.ErrOrStderr()
			if managed {
				r.level = "warn" // the file has all, the service manager's journal the worst
				return asService(cmd.Context(), r)
			}
			return r.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&r.path, "config", "", "配置文件  the configuration file (see config.example.toml)")
	cmd.Flags().BoolVar(&r.newDatabase, "new-database", false, "数据库损坏或丢失后另起新库  start with an empty database after the old one was damaged or lost")
	cmd.Flags().BoolVar(&managed, serviceFlag, false, "由服务管理器启动  started by the service manager")
	_ = cmd.Flags().MarkHidden(serviceFlag) // the flag exists
	return cmd
}

// runner runs the agent of a configuration file until its context ends.
type runner struct {
	path        string
	newDatabase bool
	stderr      io.Writer
	ready       func() // called when it serves; nil = nobody waits
	level       string // from which the log goes to stderr too; "" is the configuration's
}

func (r *runner) run(ctx context.Context) (err error) {
	cfg, err := config.Load(r.path, os.Environ())
	if err != nil {
		return err
	}
	level := r.level
	if level == "" {
		level = cfg.Log.Level
	}
	defer func() { err = errors.Join(err, handBack(cfg.DataDir)) }()
	log, file, err := openLog(cfg, r.stderr, level)
	if err != nil {
		return err
	}
	defer file.Close()
	defer func() {
		if err != nil {
			logEnd(log, err)
		}
	}()
	dials, closePapers, err := paperDialers(cfg, log)
	if err != nil {
		return config.Locate(err, r.path, os.Environ())
	}
	defer closePapers()
	if err := guardStart(cfg, r.path, log); err != nil {
		return err
	}
	if r.newDatabase {
		if err := queue.NewDatabase(databaseOptions(cfg)); err != nil {
			return advise(err, r.path)
		}
	}
	manager := newNotifier(os.Getenv, log)
	a, err := start(cfg, dials, log)
	if err != nil {
		return advise(config.Locate(err, r.path, os.Environ()), r.path)
	}
	defer a.stop()
	defer tellOutside(cfg, a.store, log)()
	manager.tell("READY=1")
	if r.ready != nil {
		r.ready()
	}
	defer manager.tell("STOPPING=1")
	watching, unwatch := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { manager.watch(watching, a.alive) })
	defer watch.Wait()
	defer unwatch()
	select {
	case <-ctx.Done():
		log.Info("stopping")
		return nil
	case err := <-a.failed:
		return advise(err, r.path)
	}
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
