package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The benchmarks measure the agent as it is shipped: the built binary on a real
// file system, called over the loopback. They give figures and ratios; none of
// them passes or fails by time.

// benchRoot is on the disk of the sources: the system's folder for temporary
// files is in memory on many machines, where a commit costs nothing.
const benchRoot = "../../.bench"

// benchDir is a folder of this benchmark alone, removed at its end.
func benchDir(b *testing.B) string {
	b.Helper()
	root, err := filepath.Abs(benchRoot)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "run")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

// samples are how long calls took.
type samples []time.Duration

// at is the quantile q, from 0 to 1.
func (s samples) at(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// report gives the median, and the 99th percentile where there are enough
// samples for one.
func (s samples) report(b *testing.B) {
	b.ReportMetric(micros(s.at(0.5)), "p50-µs")
	if len(s) >= 200 {
		b.ReportMetric(micros(s.at(0.99)), "p99-µs")
	}
	b.ReportMetric(0, "ns/op") // the same in other words
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// ratio reports a ÷ c under a name.
func ratio(b *testing.B, a, c float64, name string) {
	if c > 0 {
		b.ReportMetric(a/c, name)
	}
}

// till is a running agent and its address.
type till struct {
	b     *testing.B
	cmd   *exec.Cmd
	log   bytes.Buffer
	addr  string
	token string
}

// startTill starts the agent on a folder of data, by the program and arguments
// of through, where given. It returns when sales are taken, with the time that
// took.
func startTill(b *testing.B, dir string, through ...string) (*till, time.Duration) {
	b.Helper()
	t := &till{b: b, addr: fmt.Sprintf("127.0.0.1:%d", freePort(b))}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	config := filepath.Join(dir, "bench.toml")
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[log]\nlevel = \"warn\"\n", dir, t.addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	args := append(through, binary, "run", "--config", config, "--lang", "en")
	t.cmd = exec.Command(args[0], args[1:]...)
	t.cmd.Stderr = &t.log
	began := time.Now()
	if err := t.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(t.stop)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		if resp, err := http.Get("http://" + t.addr + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatalf("the agent does not become ready\n%s", t.log.String())
		}
	}
	took := time.Since(began)
	token, err := os.ReadFile(filepath.Join(dir, "api-token"))
	if err != nil {
		b.Fatal(err)
	}
	t.token = strings.TrimSpace(string(token))
	return t, took
}

// stop ends the agent; after the first time it does nothing.
func (t *till) stop() {
	if t.cmd.ProcessState != nil {
		return
	}
	killed := false
	if t.cmd.Process.Signal(os.Interrupt) != nil { // Windows has no such signal
		killed = t.cmd.Process.Kill() == nil
	}
	if err := t.cmd.Wait(); err != nil && !killed {
		t.b.Errorf("%v\n%s", err, t.log.String())
	}
}

// caller is one cash register's connection. It does no more than it must,
// because it shares the processors with the agent that is measured.
type caller struct {
	conn net.Conn
	in   *bufio.Reader
	head string
}

func (t *till) dial() (*caller, error) {
	conn, err := net.Dial("tcp", t.addr)
	if err != nil {
		return nil, err
	}
	return &caller{conn, bufio.NewReader(conn), fmt.Sprintf("Host: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n", t.addr, t.token)}, nil
}

// call makes a call and gives the status and, for a GET, the answer.
func (c *caller) call(method, path, body string) (int, string, error) {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, "", err
	}
	if _, err := io.WriteString(c.conn, method+" "+path+" HTTP/1.1\r\n"+c.head+"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body); err != nil {
		return 0, "", err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

// load makes b.N calls from so many callers at a time.
func (t *till) load(b *testing.B, callers, want int, request func(n int64) (method, path, body string)) samples {
	b.Helper()
	lines := make([]*caller, callers)
	for i := range lines {
		c, err := t.dial()
		if err != nil {
			b.Fatal(err)
		}
		defer c.conn.Close()
		lines[i] = c
	}
	took := make(samples, b.N)
	var next atomic.Int64
	var working sync.WaitGroup
	b.ResetTimer()
	for _, c := range lines {
		working.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				method, path, body := request(n)
				began := time.Now()
				status, answer, err := c.call(method, path, body)
				took[n-1] = time.Since(began)
				if err != nil || status != want {
					b.Errorf("%s %s: %d %s %v", method, path, status, answer, err)
					return
				}
			}
		})
	}
	working.Wait()
	b.StopTimer()
	return took
}

// supper is a sale of about 1 KiB, as shops have them: five lines.
func supper(id string) string {
	const line = `{"sku":"6901028075%03d","name":"宫保鸡丁盖浇饭(大份)","unit":"份","quantity":"2","unit_price":"14.00","amount":"28.00","tax_code":"3070401000000000000","tax_rate":"0.06"}`
	var items []string
	for i := range 5 {
		items = append(items, fmt.Sprintf(line, i))
	}
	return fmt.Sprintf(`{"sale_id":%q,"total":"140.00","cashier":"02","register":"1","payments":[{"method":"wechat","amount":"140.00"}],"items":[%s]}`, id, strings.Join(items, ","))
}
