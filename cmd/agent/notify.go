package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// notifier tells systemd how the service is, as sd_notify(3) says: a datagram to
// the socket that NOTIFY_SOCKET names. Without one nobody is told.
type notifier struct {
	socket   string
	watchdog time.Duration // within which systemd wants to hear that we live; 0 = it does not
	log      *slog.Logger
}

func newNotifier(getenv func(string) string, log *slog.Logger) notifier {
	n := notifier{socket: getenv("NOTIFY_SOCKET"), log: log}
	us, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if pid := getenv("WATCHDOG_PID"); err == nil && us > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(us) * time.Microsecond
	}
	return n
}

// tell sends one state, such as READY=1.
func (n notifier) tell(state string) {
	if n.socket == "" {
		return
	}
	// A name that begins with @ is in the abstract namespace; package net knows.
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err == nil {
		_, err = c.Write([]byte(state))
		_ = c.Close() // the datagram has left
	}
	if err != nil {
		n.log.Warn("cannot tell the service manager", "state", state, "err", err)
	}
}

// watch tells systemd three times within its patience that the agent lives, as
// long as it does, until ctx ends.
func (n notifier) watch(ctx context.Context, alive func(context.Context) error) {
	if n.socket == "" || n.watchdog == 0 {
		return
	}
	tick := time.NewTicker(n.watchdog / 3)
	defer tick.Stop()
	for {
		one, cancel := context.WithTimeout(ctx, n.watchdog/3)
		err := alive(one)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			n.log.Error("the agent does not answer itself", "err", err)
		default:
			n.tell("WATCHDOG=1")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// alive asks the agent's own API whether it answers. Any answer will do: a disk
// that is full is no reason to be started again.
func (a *agent) alive(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url()+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := a.transport().RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
