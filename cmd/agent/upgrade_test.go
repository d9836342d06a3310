package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestUpgradeTakesOver(t *testing.T) {
	i := install1(t)
	i.save()
	if info, err := os.Stat(i.saved); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("what was saved is open to others: %v %v", info.Mode(), err)
	}
	i.put("2.0.0")
	var out bytes.Buffer
	lang = "en"
	if err := i.settler(&out).run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &i.manager.words)
	}
	if !strings.Contains(out.String(), "version 2.0.0") {
		t.Errorf("it says %q", out.String())
	}
	i.serves("2.0.0", "S1")
	if there, err := fileExists(i.saved); there || err != nil {
		t.Errorf("what was saved is still there: %v", err)
	}
	if !hasMessage(logLines(t, i.data), "the program was changed") {
		t.Error("the log does not have it")
	}
}

// goesBack has each way in which a new version can fail.
var goesBack = []struct {
	program string
	within  time.Duration
	reason  string
}{
	{"ends", time.Minute, "it was started 2 times and ended each time"},
	{"hangs", time.Second, "not ready within 1s"},
	{"migrates", time.Minute, "it was started 2 times and ended each time"},
	{"sells", time.Minute, "it was started 2 times and ended each time"},
}

func TestUpgradeGoesBack(t *testing.T) {
	for _, tc := range goesBack {
		t.Run(tc.program, func(t *testing.T) {
			i := install1(t)
			i.save()
			i.put(tc.program)
			lang = "en"
			var out bytes.Buffer
			s := i.settler(&out)
			s.within = tc.within
			// The limit is the new program's trouble; the old one gets its time.
			s.cut = func(step string) {
				if step == string(phaseWentBack) {
					s.within = time.Minute
				}
			}
			err := s.run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.reason) || !strings.Contains(err.Error(), "version 1.0.0 is back and serves") {
				t.Fatalf("it says %v\n%s", err, &i.manager.words)
			}
			i.has("1.0.0")
			i.serves("1.0.0", "S1")
			i.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("S2"))
			kept := i.settler(&out).notes.newerDatabase()
			if tc.program != "sells" {
				if kept != "" {
					t.Errorf("a database was put aside: %s", kept)
				}
			} else {
				if kept == "" || !strings.Contains(err.Error(), kept) || !strings.Contains(err.Error(), "sales that the new program took") {
					t.Errorf("the newer database is kept at %q, it says %v", kept, err)
				}
				if head, err := readHead(t.Context(), kept); err != nil || head.Sale < 2 {
					t.Errorf("the newer sale is not in it: %+v %v", head, err)
				}
				// No number of the new program is minted again.
				if text, err := os.ReadFile(filepath.Join(i.data, "epoch")); err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), " 1") {
					t.Errorf("epochs %q %v", text, err)
				}
			}
			if !hasMessage(logLines(t, i.data), "the new program was not ready, the old one is back") {
				t.Error("the log does not have it")
			}
			// Again: the same answer, and what runs is left alone.
			before, _ := i.manager.State(t.Context())
			if again := i.settler(&out).run(t.Context()); again == nil || again.Error() != err.Error() {
				t.Errorf("again it says %v\nwant %v", again, err)
			}
			if now, _ := i.manager.State(t.Context()); now.pid != before.pid {
				t.Error("the service was started again")
			}
		})
	}
}

// died ends a settler in the middle.
type died struct{}

// runUntil settles until it has reached so many steps and ends there, as a kill
// would.
func runUntil(ctx context.Context, s *settler, last int) (steps []string, err error, killed bool) {
	defer func() {
		switch d := recover().(type) {
		case nil:
		case died:
			killed = true
		default:
			panic(d)
		}
	}()
	s.cut = func(step string) {
		if steps = append(steps, step); len(steps) == last {
			panic(died{})
		}
	}
	err = s.run(ctx)
	return steps, err, false
}

// TestUpgradeBrokenOffAnywhere ends settle after each of its steps, by a kill
// and by a power cut after which the system starts the service by itself, and
// settles again.
func TestUpgradeBrokenOffAnywhere(t *testing.T) {
	lang = "en"
	before := install1(t)
	for n, program := range []string{"migrates", "sells"} {
		for last, more := 1, true; more; last++ {
			power := (n+last)%2 == 0
			name := fmt.Sprintf("%s at step %d, power cut %v", program, last, power)
			t.Run(name, func(t *testing.T) { more = brokenOff(t, before, program, power, last) })
			if !more && last < 8 {
				t.Errorf("%s: there are no more steps", name)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// brokenOff ends at one step; false says that there are not so many.
func brokenOff(t *testing.T, before *installed, program string, power bool, last int) bool {
	i := newInstalled(t)
	if err := os.Mkdir(i.data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"agent.db", "api-token", "epoch"} {
		if _, err := copyFile(filepath.Join(before.data, name), filepath.Join(i.data, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i.save()
	i.put(program)
	var out bytes.Buffer
	steps, err, killed := runUntil(t.Context(), i.settler(&out), last)
	if killed && power {
		i.manager.powerCut()
		if err := i.manager.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if killed {
		err = i.settler(&out).run(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "version 1.0.0 is back and serves") {
		t.Fatalf("ended at %v: %v\n%s", steps, err, &i.manager.words)
	}
	i.has("1.0.0")
	i.serves("1.0.0", "S1")
	i.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("S2"))
	i.stop()
	return killed
}

func TestUpgradeSaveRefuses(t *testing.T) {
	lang = "en"
	i := install1(t)
	i.start()
	if _, err := saveState(t.Context(), i.config, i.saved, i.program); err == nil || !strings.Contains(message(err), "stop it first") {
		t.Errorf("beside a running service: %v", err)
	}
	i.stop()
	other := filepath.Join(i.dir, "other")
	if err := errors.Join(os.Mkdir(other, 0o700), os.WriteFile(filepath.Join(other, "mine"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := saveState(t.Context(), i.config, other, i.program); err == nil || !strings.Contains(err.Error(), "has other files") {
		t.Errorf("into somebody's folder: %v", err)
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 1 {
		t.Errorf("somebody's folder has %v (%v)", entries, err)
	}
	i.save()
	i.save() // nothing was changed yet
	i.put("ends")
	if _, err := saveState(t.Context(), i.config, i.saved, i.program); err == nil || !strings.Contains(err.Error(), "is not settled") {
		t.Errorf("over what is not settled: %v", err)
	}
}

// TestUpgradeWithNothingThere is a first install: save and settle have nothing
// to do without a configuration.
func TestUpgradeWithNothingThere(t *testing.T) {
	dir := t.TempDir()
	saved, config := filepath.Join(dir, "saved"), filepath.Join(dir, "config.toml")
	code, out, errs := command(t, "", nil, "upgrade", "save", "--config", config, "--to", saved, "--program", filepath.Join(dir, "none"))
	if code != 0 || !strings.Contains(out, "no program to save; there is no configuration") {
		t.Fatalf("save: %d %s %s", code, out, errs)
	}
	code, out, errs = command(t, "", nil, "upgrade", "settle", "--config", config, "--from", saved)
	if code != 0 || !strings.Contains(out, "no service to start") {
		t.Errorf("settle: %d %s %s", code, out, errs)
	}
	if there, err := fileExists(saved); there || err != nil {
		t.Errorf("the folder is still there: %v", err)
	}
	for _, args := range [][]string{{"upgrade"}, {"upgrade", "save"}, {"upgrade", "save", "--config", config}, {"upgrade", "settle", "--config", config},
		{"upgrade", "settle", "--config", config, "--from", saved, "--within", "0s"}} {
		if code, _, _ := command(t, "", nil, args...); code != 2 {
			t.Errorf("%v: exit status %d", args, code)
		}
	}
}

func TestUpgradeNeedsAServiceManager(t *testing.T) {
	if canServe() {
		t.Skip("this machine has a service manager")
	}
	i := newInstalled(t)
	i.save()
	code, _, errs := command(t, "", nil, "upgrade", "settle", "--config", i.config, "--from", i.saved)
	if code != 1 || !strings.Contains(errs, "there is no systemd here") {
		t.Errorf("exit status %d: %s", code, errs)
	}
	if n, err := readNotes(i.saved); err != nil || n.Phase != phaseSaved {
		t.Errorf("what was saved: %+v %v", n, err)
	}
}
