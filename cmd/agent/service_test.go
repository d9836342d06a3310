package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is the socket on which systemd hears of a service.
type manager struct {
	t    *testing.T
	path string
	conn *net.UnixConn
}

func newManager(t *testing.T) *manager {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("sd_notify is a thing of systemd")
	}
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, path, conn}
}

// hears gives the next word of the service.
func (m *manager) hears() string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		m.t.Fatal(err)
	}
	b := make([]byte, 200)
	n, err := m.conn.Read(b)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b[:n])
}

// TestServiceTellsItsManager runs the binary as the unit does: it says when it is
// ready, that it lives, and that it stops, and it stops at SIGTERM with status 0.
func TestServiceTellsItsManager(t *testing.T) {
	m := newManager(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.toml")
	url := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	if err := os.WriteFile(config, fmt.Appendf(nil, "data_dir = %q\n[api]\nlisten = %q\n", filepath.Join(dir, "data"), url), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "run", "--service", "--config", config)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=300000")
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // it has ended
	if got := m.hears(); got != "READY=1" {
		t.Errorf("the first word is %q", got)
	}
	if resp, err := http.Get("http://" + url + "/readyz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("what says that it is ready is not: %v %v", resp, err)
	}
	for range 3 {
		if got := m.hears(); got != "WATCHDOG=1" {
			t.Errorf("it says %q", got)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for got := ""; got != "STOPPING=1"; {
		if got = m.hears(); got != "STOPPING=1" && got != "WATCHDOG=1" {
			t.Fatalf("it says %q", got)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("a stop ends with %v\n%s", err, &errs)
	}
	// Under a manager only the worst goes to its journal, all of it to the file.
	if strings.Contains(errs.String(), "agent started") {
		t.Errorf("standard error has\n%s", &errs)
	}
	lines := logLines(t, filepath.Join(dir, "data"))
	if lines[0]["msg"] == nil || !hasMessage(lines, "agent started") || !hasMessage(lines, "stopping") {
		t.Errorf("the log has %v", lines)
	}
}

// logLines reads the log's file.
func logLines(t *testing.T, data string) (lines []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "logs", "agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(text)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		lines = append(lines, m)
	}
	return lines
}

func hasMessage(lines []map[string]any, msg string) bool {
	for _, l := range lines {
		if l["msg"] == msg {
			return true
		}
	}
	return false
}

// TestFatalErrorsAreInTheLog: an end by an error is exit status 1, with the
// reason on standard error and in the log.
func TestFatalErrorsAreInTheLog(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "data_dir = %q\n[api]\nlisten = %q\n", filepath.Join(dir, "data"), taken.Addr()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "run", "--config", config)
	if got := p.wait(); got != 1 || !strings.Contains(p.errors.String(), "cannot listen") {
		t.Errorf("exit status %d: %s", got, &p.errors)
	}
	for _, l := range logLines(t, filepath.Join(dir, "data")) {
		if l["level"] == "ERROR" && strings.Contains(fmt.Sprint(l["err"]), "cannot listen") {
			return
		}
	}
	t.Error("the log has no reason")
}

func TestWatchdogFallsSilent(t *testing.T) {
	m := newManager(t)
	env := map[string]string{"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "30000", "WATCHDOG_PID": fmt.Sprint(os.Getpid())}
	n := newNotifier(func(k string) string { return env[k] }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan bool)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.watch(ctx, func(context.Context) error {
			if <-asked {
				return nil
			}
			return errors.New("it hangs")
		})
	}()
	asked <- false
	asked <- false
	asked <- true
	if got := m.hears(); got != "WATCHDOG=1" {
		t.Errorf("it says %q", got)
	}
	cancel()
	close(asked)
	<-ended
	if err := m.conn.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := m.conn.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes more", n)
	}
	env["WATCHDOG_PID"] = "1" // somebody else's
	if n := newNotifier(func(k string) string { return env[k] }, slog.New(slog.DiscardHandler)); n.watchdog != 0 {
		t.Errorf("another process' watchdog is taken: %v", n.watchdog)
	}
}

func TestServiceCommandsWithoutAManager(t *testing.T) {
	if canServe() {
		t.Skip("this machine has a service manager")
	}
	for _, name := range []string{"start", "stop", "restart", "uninstall"} {
		p := launch(t, name)
		if got := p.wait(); got != 1 || !strings.Contains(p.errors.String(), "agent run") {
			t.Errorf("%s: exit status %d: %s", name, got, &p.errors)
		}
	}
	out, err := exec.Command(binary, "status", "--json").Output()
	if err == nil || strings.TrimSpace(string(out)) != `{"service":"piaotong-agent","state":"not_installed"}` {
		t.Errorf("status: %s %v", out, err)
	}
}

func TestWithin(t *testing.T) {
	want := errors.New("no")
	if err := within(time.Minute, func() error { return want }); err != want {
		t.Errorf("%v", err)
	}
	hang := make(chan struct{})
	defer close(hang)
	if err := within(time.Millisecond, func() error { <-hang; return nil }); err == nil {
		t.Error("what hangs is waited for")
	}
}

// TestLogIsBounded writes more than the log may keep.
func TestLogIsBounded(t *testing.T) {
	c := newLogConfig(t)
	log, file, err := openLog(c, io.Discard, "error")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 1<<20)
	for range logMB + 1 {
		log.Info(text)
	}
	log.Debug("not wanted")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(logDir(c))
	if err != nil || len(entries) < 2 {
		t.Errorf("%v %v", entries, err)
	}
	info, err := os.Stat(logFile(c))
	if err != nil || info.Size() > logMB<<20 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if text, err := os.ReadFile(logFile(c)); err != nil || strings.Contains(string(text), "not wanted") {
		t.Errorf("below its level: %v", err)
	}
	rotatedPacked(t, c)
}
