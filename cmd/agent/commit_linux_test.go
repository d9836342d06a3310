package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// syscallLine is a line of strace -f -y: the thread, the call's name, the file
// descriptor with its path, and the rest. One that is broken off by another
// thread ends in <unfinished ...>; its end is a line of its own.
var (
	syscallLine = regexp.MustCompile(`^(\d+) +(\w+)\((\d+)<([^>]*)>(.*)$`)
	resumedLine = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
)

// traced is one system call with the lines in which it begins and ends.
type traced struct {
	name, fd, path, text string
	begin, end           int
}

// readTrace gives the calls in the order in which they begin.
func readTrace(text string) []traced {
	var calls []traced
	open := map[string]int{} // by thread, the index of its unfinished call
	for n, line := range strings.Split(text, "\n") {
		if m := syscallLine.FindStringSubmatch(line); m != nil {
			calls = append(calls, traced{name: m[2], fd: m[3], path: m[4], text: m[5], begin: n, end: n})
			if strings.HasSuffix(line, "<unfinished ...>") {
				open[m[1]] = len(calls) - 1
			}
		} else if m := resumedLine.FindStringSubmatch(line); m != nil {
			if i, ok := open[m[1]]; ok && calls[i].name == m[2] {
				calls[i].text += m[3]
				calls[i].end = n
				delete(open, m[1])
			}
		}
	}
	return calls
}

// TestCommitBeforeAnswer watches the agent's system calls: between the request
// of a sale and its 201 on the same connection the database's log has reached
// the disk.
func TestCommitBeforeAnswer(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("SKIPPED, NOT PROVEN: strace is not installed (make deps installs it)")
	}
	if out, err := exec.Command("strace", "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT PROVEN: strace may not trace here (containers often forbid ptrace): %v\n%s", err, out)
	}
	dir := t.TempDir()
	p := &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), filepath.Join(dir, "data")}
	config, trace := filepath.Join(dir, "config.toml"), filepath.Join(dir, "trace")
	if err := os.WriteFile(config, []byte(fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n", p.data, strings.TrimPrefix(p.url, "http://"))), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("strace", "-f", "-y", "-s", "64", "-e", "signal=none", "-e", "trace=read,write,fsync,fdatasync", "-o", trace, binary, "run", "--config", config, "--lang", "en")
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		ended <- <-ended
	})
	p.ready()
	const sales = 5
	for n := range sales {
		p.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee(fmt.Sprintf("S%d", n)))
	}
	// The trace is whole once strace has ended, which it does after the agent,
	// whose process is named first.
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatalf("no process in the trace: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	ended <- nil // for the cleanup
	if text, err = os.ReadFile(trace); err != nil {
		t.Fatal(err)
	}

	calls := readTrace(string(text))
	answered := 0
	for i, post := range calls {
		// net/http may have read the first letter ahead, to see whether the caller is there.
		if post.name != "read" || !strings.Contains(post.text, `OST /v1/sales `) {
			continue
		}
		answer := slices.IndexFunc(calls[i:], func(c traced) bool {
			return c.fd == post.fd && c.name == "write" && strings.Contains(c.text, `"HTTP/1.1 201 `)
		})
		if answer < 0 {
			t.Errorf("the sale that was read in line %d of the trace has no answer", post.end+1)
			continue
		}
		answered++
		written := calls[i+answer].begin
		if !slices.ContainsFunc(calls[i:], func(c traced) bool {
			return (c.name == "fsync" || c.name == "fdatasync") && strings.HasSuffix(c.path, "/agent.db-wal") && strings.HasSuffix(c.text, "= 0") &&
				c.begin > post.end && c.end < written
		}) {
			t.Errorf("the sale that was read in line %d of the trace is answered in line %d with no commit on disk between", post.end+1, written+1)
		}
	}
	if answered != sales {
		t.Errorf("%d answers in the trace, want %d\n%s", answered, sales, text)
	}
}
