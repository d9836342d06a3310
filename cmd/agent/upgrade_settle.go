package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A serviceManager starts and stops the service, and tells how it is.
type serviceManager interface {
	// Start asks for the start of the service; it does not wait until it serves.
	// A service that runs is no error.
	Start(context.Context) error
	// Stop ends the service and does not return before it has ended. It is not
	// started again by itself until Start.
	Stop(context.Context) error
	State(context.Context) (serviceNow, error)
}

// serviceNow is how a service is at the moment.
type serviceNow struct {
	installed bool
	running   bool // started, as far as its manager knows
	pid       int  // of its process; 0 without one
}

// settler brings a change of the program to its end.
type settler struct {
	dir     string // that save filled
	notes   *savedState
	service serviceManager
	within  time.Duration // how long a program may take until it serves
	steady  time.Duration // how long it must serve until that is believed
	every   time.Duration // between two looks
	want    string        // the version that must serve; "" takes what is there
	out     io.Writer
	cut     func(step string) // tests end it here; nil does nothing
}

const (
	// steadyFor is longer than a program takes that starts, serves and falls.
	steadyFor = 3 * time.Second
	// lookEvery is the time between two looks at a service that starts or stops.
	lookEvery = 200 * time.Millisecond
)

// newSettler prepares to settle what save noted in a folder, with the system's
// service manager. Without notes there is nothing to go back to.
func newSettler(ctx context.Context, path, dir, program string) (*settler, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	n, err := readNotes(dir)
	if err != nil {
		return nil, err
	}
	if n == nil {
		if n, err = describeState(ctx, path, program); err != nil {
			return nil, err
		}
	} else if program != "" {
		if n.Program, err = filepath.Abs(program); err != nil {
			return nil, err
		}
	}
	s := &settler{dir: dir, notes: n, within: defaultWithin, steady: steadyFor, every: lookEvery, out: io.Discard}
	if n.Config == "" {
		return s, nil // there is no service to ask for
	}
	s.service, err = systemManager()
	return s, err
}

func (s *settler) reach(step string) {
	if s.cut != nil {
		s.cut(step)
	}
}

// enter notes the next phase.
func (s *settler) enter(p upgradePhase) error {
	s.notes.Phase = p
	err := s.notes.write(s.dir)
	s.reach(string(p))
	return err
}

// canGoBack reports whether there is something to go back to.
func (s *settler) canGoBack() bool { return s.notes.SHA256 != "" }

// run settles. The error says in a sentence why it went back, or what is to be
// done.
func (s *settler) run(ctx context.Context) error {
	n := s.notes
	if n.Config == "" {
		fmt.Fprintln(s.out, say("没有配置文件,没有要启动的服务。", "there is no configuration, so there is no service to start"))
		return removeSaved(s.dir)
	}
	switch n.Phase {
	case phaseReady:
		return s.keep(ctx)
	case phaseSaved:
		reason := s.try(ctx)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf(say("中断了,请再运行一次:%w", "it was broken off, run it again: %w"), ctx.Err())
		case reason == nil && !s.canGoBack():
			return s.keep(ctx)
		case reason == nil:
			if err := s.enter(phaseReady); err != nil {
				return err
			}
			return s.keep(ctx)
		case !s.canGoBack():
			return fmt.Errorf(say("服务没有就绪,也没有可退回的程序:%w", "the service does not become ready, and there is no program to go back to: %w"), reason)
		}
		n.Reason = reason.Error()
		if err := s.enter(phaseGoingBack); err != nil {
			return err
		}
	}
	// From here on a Ctrl-C would leave the till without a service.
	return s.goBack(context.WithoutCancel(ctx))
}

// try starts the new program and waits until it serves.
func (s *settler) try(ctx context.Context) error {
	// What runs may be the old program still, in its memory.
	if err := s.stop(ctx); err != nil {
		return err
	}
	if s.want == "" {
		s.want = programVersion(ctx, s.notes.Program)
	}
	return s.start(ctx, "new program started")
}

// start starts the program that is in place and waits until it serves. The
// error has what it logged last.
func (s *settler) start(ctx context.Context, step string) error {
	began := time.Now()
	if err := s.service.Start(ctx); err != nil {
		return err
	}
	s.reach(step)
	err := s.waitReady(ctx)
	if last := lastError(s.notes.DataDir, began); err != nil && last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	return err
}

// keep ends an upgrade that works: nothing of what was saved is needed.
func (s *settler) keep(ctx context.Context) error {
	if err := removeSaved(s.dir); err != nil {
		return err
	}
	removeReplaced(s.notes.Program)
	serving := say("服务已就绪", "the service is ready")
	if st, err := s.notes.service().status(ctx); err == nil {
		serving = fmt.Sprintf(say("服务已就绪,版本 %s", "the service is ready, version %s"), st.Version)
	}
	s.log(slog.LevelInfo, "the program was changed", "was", s.notes.Version, "is", s.want)
	_, err := fmt.Fprintln(s.out, serving)
	return err
}

// stop stops the service and waits until it has let go of the database.
func (s *settler) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, serviceWait)
	defer cancel()
	if err := s.service.Stop(ctx); err != nil {
		return err
	}
	return waitFree(ctx, s.notes.databasePath())
}

// goBack puts back what was saved. Each step does nothing where it was done
// before.
func (s *settler) goBack(ctx context.Context) error {
	if s.notes.Phase != phaseWentBack {
		for _, step := range []struct {
			name string
			do   func(context.Context) error
		}{{"stopped", s.stop}, {"program is back", s.putProgramBack}, {"database is back", s.putDatabaseBack}} {
			if err := step.do(ctx); err != nil {
				s.log(slog.LevelError, "the program cannot go back", "reason", s.notes.Reason, "err", err)
				return fmt.Errorf(say("新程序没有就绪(%s),退回时出错,请再运行一次:%w", "the new program is not ready (%s), and going back failed, run it again: %w"), s.notes.Reason, err)
			}
			s.reach(step.name)
		}
		if err := s.enter(phaseWentBack); err != nil {
			return err
		}
	}
	s.want = s.notes.Version
	return s.report(s.start(ctx, "old program started"))
}

func (s *settler) putProgramBack(context.Context) error {
	if sum, err := sumFile(s.notes.Program); err == nil && sum == s.notes.SHA256 {
		return nil
	}
	f, err := os.Open(filepath.Join(s.dir, savedProgram))
	if err != nil {
		return err
	}
	defer f.Close()
	return putProgram(f, s.notes.Program, s.notes.SHA256)
}

// report says that it went back and what came of it, to people and to the log.
func (s *settler) report(notReady error) error {
	n := s.notes
	text := fmt.Sprintf(say("新程序没有就绪(%s),已退回版本 %s,正在服务", "the new program did not become ready (%s); version %s is back and serves"), n.Reason, n.Version)
	args := []any{"version", n.Version, "reason", n.Reason}
	if notReady != nil {
		text = fmt.Sprintf(say("新程序没有就绪(%s),已退回版本 %s,但它也没有就绪(%v):请用 agent doctor 检查",
			"the new program did not become ready (%s); version %s is back, but is not ready either (%v): agent doctor tells more"), n.Reason, n.Version, notReady)
		args = append(args, "err", notReady)
	} else {
		for _, name := range []string{savedProgram, savedDatabase} { // they are where they belong
			_ = os.Remove(filepath.Join(s.dir, name)) // the next save tries again
		}
		removeReplaced(n.Program)
	}
	if kept := n.newerDatabase(); n.NewerSales != 0 && kept != "" {
		sales := fmt.Sprint(n.NewerSales)
		if n.NewerSales < 0 {
			sales = say("未知数量的", "an unknown number of")
		}
		text += fmt.Sprintf(say("\n!!! 注意:新程序收的 %s 单只在这个数据库里,请保留并联系技术支持:%s", "\n!!! %s sales that the new program took are in this database alone, keep it and call support: %s"), sales, kept)
		args = append(args, "newer_sales", n.NewerSales, "kept", kept)
	}
	s.log(slog.LevelError, "the new program was not ready, the old one is back", args...)
	return errors.New(text)
}

// mostStarts ends the waiting early: a program that ended twice and is started
// again ends again.
const mostStarts = 3

// waitReady waits until the service serves, steadily and in one process: one
// that falls and is started again shows by its process.
func (s *settler) waitReady(ctx context.Context) error {
	deadline := time.NewTimer(s.within)
	defer deadline.Stop()
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	var since time.Time // it serves since; zero = it does not
	pid, starts := 0, 0
	why := errors.New(say("没有启动", "it did not start"))
	for {
		now, err := s.service.State(ctx)
		if err == nil && now.pid != 0 && now.pid != pid {
			pid, since = now.pid, time.Time{}
			starts++
		}
		switch {
		case err != nil:
			why, since = err, time.Time{}
		case !now.running || now.pid == 0:
			since = time.Time{}
			switch {
			case now.pid != 0:
				why = errors.New(say("程序启动了,但没有报告就绪", "it was started, but does not say that it is ready"))
			case starts > 0:
				why = errors.New(say("程序退出了", "it ended"))
			}
		default:
			var other *otherVersionError
			if err := s.serves(ctx); errors.As(err, &other) {
				return err // waiting does not change that
			} else if err != nil {
				why, since = err, time.Time{}
			} else if since.IsZero() {
				since = time.Now()
			}
			if !since.IsZero() && time.Since(since) >= s.steady {
				return nil
			}
		}
		if starts >= mostStarts {
			return fmt.Errorf(say("启动了 %d 次,每次都退出", "it was started %d times and ended each time"), starts-1)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf(say("%s 内没有就绪:%w", "not ready within %s: %w"), s.within, why)
		}
	}
}

// otherVersionError says that not the program serves that should.
type otherVersionError struct{ is, want string }

func (e *otherVersionError) Error() string {
	return fmt.Sprintf(say("在服务的是版本 %s,不是 %s", "what serves is version %s, not %s"), e.is, e.want)
}

// serves asks the service itself whether it is ready, and for its version
// where that matters.
func (s *settler) serves(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	local := s.notes.service()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, local.url+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := local.transport().RoundTrip(req)
	if err != nil {
		return errors.New(say("还不能接单:", "it takes no sales yet: ") + err.Error())
	}
	_ = resp.Body.Close() // the status says it
	if resp.StatusCode != http.StatusOK {
		return errors.New(say("还不能接单:", "it takes no sales yet: ") + resp.Status)
	}
	if s.want == "" {
		return nil
	}
	st, err := local.status(ctx)
	switch {
	case err != nil:
		return err
	case st.Version != s.want:
		return &otherVersionError{st.Version, s.want}
	}
	return nil
}

// lastError is what the service logged last as an error since a moment; ""
// where it logged none.
func lastError(dataDir string, since time.Time) (last string) {
	text, err := tail(filepath.Join(dataDir, "logs", "agent.log"), 64<<10)
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		var l struct {
			Time  time.Time
			Level string
			Msg   string
			Err   string
		}
		if json.Unmarshal(line, &l) == nil && l.Level == slog.LevelError.String() && !l.Time.Before(since) {
			last = strings.TrimSuffix(l.Msg+": "+l.Err, ": ")
		}
	}
	return last
}

// log writes a line into the service's log, which may run or not. A log that
// cannot be written stops nothing.
func (s *settler) log(level slog.Level, msg string, args ...any) {
	dir := filepath.Join(s.notes.DataDir, "logs")
	name := filepath.Join(dir, "agent.log")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	slog.New(slog.NewJSONHandler(f, nil)).Log(context.Background(), level, msg, args...)
	_ = errors.Join(f.Close(), ownLike(dir, name)) // as said above
}
