package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// buildProgram builds a program for tests of updates.
func buildProgram(name, pkg, ldflags string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		to := filepath.Join(filepath.Dir(binary), name)
		out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w "+ldflags, "-o", to, pkg).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return to, nil
	})
}

// builds are the programs that tests of updates put in each other's place.
var builds = map[string]func() (string, error){
	"1.0.0":    buildProgram("old", ".", "-X main.version=1.0.0"),
	"2.0.0":    buildProgram("new", ".", "-X main.version=2.0.0"),
	"ends":     buildProgram("ends", "./testdata/broken", "-X main.mode=ends"),
	"hangs":    buildProgram("hangs", "./testdata/broken", "-X main.mode=hangs"),
	"migrates": buildProgram("migrates", "./testdata/broken", "-X main.mode=migrates"),
	"sells":    buildProgram("sells", "./testdata/broken", "-X main.mode=sells"),
}

// built gives one of builds as a file.
func built(t *testing.T, name string) string {
	t.Helper()
	path, err := builds[name]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// childManager is a service manager whose service is a child process: it starts
// a program again that falls, as the real ones do.
type childManager struct {
	program, config string

	mu      sync.Mutex
	cmd     *exec.Cmd
	wanted  bool // the service is started
	missing bool // it is not installed
	loop    sync.WaitGroup
	words   bytes.Buffer // of the service on standard error
}

// restartAfter is what systemd and Windows have some seconds for.
const restartAfter = 20 * time.Millisecond

func (m *childManager) Start(context.Context) error {
	m.mu.Lock()
	running := m.wanted
	m.wanted = true
	m.mu.Unlock()
	if running {
		return nil
	}
	started := make(chan error, 1)
	m.loop.Go(func() {
		for first := true; ; first = false {
			m.mu.Lock()
			if !m.wanted {
				m.mu.Unlock()
				return
			}
			cmd := exec.Command(m.program, "run", "--config", m.config)
			cmd.Stderr = &m.words
			err := cmd.Start()
			m.cmd = cmd
			m.mu.Unlock()
			if first {
				started <- err
			}
			if err == nil {
				_ = cmd.Wait() // however it ends, it is started again
			}
			m.mu.Lock()
			m.cmd = nil
			m.mu.Unlock()
			<-time.After(restartAfter)
		}
	})
	return <-started
}

func (m *childManager) Stop(context.Context) error {
	m.end(func(p *os.Process) {
		if p.Signal(os.Interrupt) != nil {
			_ = p.Kill() // Windows has no signals
		}
	})
	return nil
}

// powerCut ends the service without a goodbye.
func (m *childManager) powerCut() { m.end(func(p *os.Process) { _ = p.Kill() }) }

func (m *childManager) end(by func(*os.Process)) {
	m.mu.Lock()
	m.wanted = false
	if m.cmd != nil && m.cmd.Process != nil {
		p := m.cmd.Process
		by(p)
		kill := time.AfterFunc(10*time.Second, func() { _ = p.Kill() }) // as systemd does
		defer kill.Stop()
	}
	m.mu.Unlock()
	m.loop.Wait()
}

func (m *childManager) State(context.Context) (serviceNow, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := serviceNow{installed: !m.missing, running: m.wanted && m.cmd != nil}
	if m.cmd != nil && m.cmd.Process != nil {
		now.pid = m.cmd.Process.Pid
	}
	return now, nil
}

// installed is an installed agent whose service is a child process, version
// 1.0.0 with one sale, stopped.
type installed struct {
	*pos
	t               *testing.T
	dir, saved      string
	program, config string
	manager         *childManager
}

func install1(t *testing.T) *installed {
	t.Helper()
	i := newInstalled(t)
	i.start()
	i.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("S1"))
	i.stop()
	return i
}

func newInstalled(t *testing.T) *installed {
	t.Helper()
	dir := t.TempDir()
	i := &installed{t: t, dir: dir, saved: filepath.Join(dir, "saved"), program: filepath.Join(dir, releasedName(runtime.GOOS)), config: filepath.Join(dir, "config.toml")}
	i.pos = &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), filepath.Join(dir, "data")}
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n", i.data, strings.TrimPrefix(i.url, "http://"))
	if err := os.WriteFile(i.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i.put("1.0.0")
	i.manager = &childManager{program: i.program, config: i.config}
	t.Cleanup(i.manager.powerCut)
	return i
}

// put puts another program in the place of the one that is installed, as a
// package manager does.
func (i *installed) put(name string) {
	i.t.Helper()
	f, err := os.Open(built(i.t, name))
	if err != nil {
		i.t.Fatal(err)
	}
	defer f.Close()
	sum, err := sumFile(f.Name())
	if err == nil {
		err = putProgram(f, i.program, sum)
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

func (i *installed) start() {
	i.t.Helper()
	if err := i.manager.Start(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	i.ready()
}

func (i *installed) stop() {
	i.t.Helper()
	if err := i.manager.Stop(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
}

// save saves with the service stopped.
func (i *installed) save() {
	i.t.Helper()
	if _, err := saveState(i.t.Context(), i.config, i.saved, i.program); err != nil {
		i.t.Fatal(err)
	}
}

// settler settles what was saved, with the child's manager.
func (i *installed) settler(out *bytes.Buffer) *settler {
	i.t.Helper()
	n, err := readNotes(i.saved)
	if err != nil || n == nil {
		i.t.Fatalf("notes: %v %v", n, err)
	}
	return &settler{dir: i.saved, notes: n, service: i.manager, within: 15 * time.Second, steady: 100 * time.Millisecond, every: 10 * time.Millisecond, out: out}
}

// serves checks that a version serves, with these sales.
func (i *installed) serves(version string, sales ...string) {
	i.t.Helper()
	i.ready()
	if got := i.must(http.StatusOK, http.MethodGet, "/v1/status", "")["version"]; got != version {
		i.t.Errorf("version %v serves, want %s", got, version)
	}
	for _, s := range sales {
		i.must(http.StatusOK, http.MethodGet, "/v1/sales/"+s, "")
	}
}

// has checks which program is installed.
func (i *installed) has(name string) {
	i.t.Helper()
	want, err := sumFile(built(i.t, name))
	if err != nil {
		i.t.Fatal(err)
	}
	if got, err := sumFile(i.program); err != nil || got != want {
		i.t.Errorf("the program in place is not %s (%v)", name, err)
	}
}
