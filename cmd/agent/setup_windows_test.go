package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/windows/svc"
)

// serviceHand plays the service manager for a handler: it gives orders and hears
// states.
type serviceHand struct {
	t        *testing.T
	requests chan svc.ChangeRequest
	states   chan svc.Status
	ended    chan [2]uint32 // specific (1 = yes) and code
}

func holdService(t *testing.T, r *runner) *serviceHand {
	h := &serviceHand{t, make(chan svc.ChangeRequest), make(chan svc.Status, 10), make(chan [2]uint32, 1)}
	go func() {
		specific, code := (&handler{t.Context(), r}).Execute(nil, h.requests, h.states)
		end := [2]uint32{0, code}
		if specific {
			end[0] = 1
		}
		h.ended <- end
	}()
	return h
}

func (h *serviceHand) hears(want svc.State) {
	h.t.Helper()
	select {
	case s := <-h.states:
		if s.State != want {
			h.t.Fatalf("state %d, want %d", s.State, want)
		}
	case <-time.After(30 * time.Second):
		h.t.Fatalf("no state; want %d", want)
	}
}

func (h *serviceHand) end() [2]uint32 {
	h.t.Helper()
	select {
	case end := <-h.ended:
		return end
	case <-time.After(30 * time.Second):
		h.t.Fatal("the service does not end")
		return [2]uint32{}
	}
}

func TestServiceOfWindows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "收银 机.toml")
	if err := os.WriteFile(path, []byte("data_dir = '数据 文件夹'\n[api]\nlisten = '127.0.0.1:0'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := holdService(t, &runner{path: path, stderr: &bytes.Buffer{}, level: "error"})
	h.hears(svc.StartPending)
	h.hears(svc.Running)
	h.requests <- svc.ChangeRequest{Cmd: svc.Interrogate}
	h.hears(svc.Running)
	h.requests <- svc.ChangeRequest{Cmd: svc.Stop}
	h.hears(svc.StopPending)
	if got := h.end(); got != [2]uint32{} {
		t.Errorf("after a stop: %v", got)
	}
}

// TestServiceWithoutConfiguration ends orderly, so that the service manager does
// not start it again and again.
func TestServiceWithoutConfiguration(t *testing.T) {
	h := holdService(t, &runner{path: filepath.Join(t.TempDir(), "config.toml"), stderr: &bytes.Buffer{}})
	h.hears(svc.StartPending)
	if got := h.end(); got != [2]uint32{1, exitConfig} {
		t.Errorf("it ends with %v", got)
	}
}

func TestPathOfTheMachine(t *testing.T) {
	const own = `C:\Program Files\piaotong-agent`
	for _, c := range []struct{ was, want []string }{
		{nil, nil},
		{[]string{`%SystemRoot%\system32`, `c:\program files\Piaotong-Agent\`, own, `C:\x`}, []string{`%SystemRoot%\system32`, `C:\x`}},
		{[]string{own + `\bin`, ""}, []string{own + `\bin`, ""}},
	} {
		was := slices.Clone(c.was)
		if got := without(c.was, own); !slices.Equal(got, c.want) || !slices.Equal(c.was, was) {
			t.Errorf("%q without it is %q, want %q", was, got, c.want)
		}
	}
}

func TestSetupReport(t *testing.T) {
	dir := t.TempDir()
	if err := writeReport(dir, "票\nx"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, setupReport))
	if want := []byte("\xff\xfe\x68\x79\r\x00\n\x00x\x00"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if err := writeReport(filepath.Join(dir, "gone"), "x"); err != nil {
		t.Errorf("without a folder: %v", err)
	}
}

func TestRemoveTokens(t *testing.T) {
	dir := t.TempDir()
	if removed, err := removeTokens(t.Context(), dir); removed || err != nil {
		t.Errorf("without tokens: %v %v", removed, err)
	}
	for _, file := range []string{ownToken, tokensFile, "agent.db"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if removed, err := removeTokens(t.Context(), dir); !removed || err != nil {
		t.Errorf("%v %v", removed, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "agent.db" {
		t.Errorf("there is %v %v", entries, err)
	}
}

func TestSetupWantsAFolder(t *testing.T) {
	for _, name := range []string{"apply", "remove"} {
		if code, _, errs := command(t, "", nil, "setup", name); code != 2 {
			t.Errorf("%s: exit status %d: %s", name, code, errs)
		}
	}
}
