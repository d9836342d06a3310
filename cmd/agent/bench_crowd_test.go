package main

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The crowd beside a till.
const (
	idleCallers = 1000 // open a connection and say nothing, again whenever it is closed
	slowCallers = 8    // send a byte of a header at a time
	askers      = 4    // read without a pause
)

// The rush: so many connections post sales. Where they do so as fast as they are
// answered, the time of one is that of all before it, whatever the disk; so there
// is a rush at the pace of cash registers, too: a sale every rushPace from each,
// which is 1,280 a second.
const (
	rushCallers = 64
	rushTime    = 30 * time.Second
	rushPace    = 50 * time.Millisecond
)

// BenchmarkCrowd measures how one till is served alone and beside a crowd, as
// ratios to what the same disk needs for a record, and the agent's memory.
func BenchmarkCrowd(b *testing.B) {
	dir := benchDir(b)
	var disk time.Duration
	b.Run("append+fsync", func(b *testing.B) { disk = benchAppend(b, dir) })
	t, _ := startTill(b, filepath.Join(dir, "data"))
	var posted atomic.Int64
	post := func(b *testing.B) {
		took := t.load(b, 1, http.StatusCreated, func(int64) (string, string, string) {
			return http.MethodPost, "/v1/sales", supper(fmt.Sprintf("C%09d", posted.Add(1)))
		})
		took.report(b)
		ratio(b, micros(took.at(0.5)), micros(disk), "p50÷fsync")
		if len(took) >= 200 {
			ratio(b, micros(took.at(0.99)), micros(disk), "p99÷fsync")
		}
		if memory, ok := residentBytes(t.cmd.Process.Pid); ok {
			b.ReportMetric(memory/(1<<20), "MiB")
		}
	}
	b.Run("alone", post)
	b.Run(fmt.Sprintf("idle=%d,slow=%d", idleCallers, slowCallers), func(b *testing.B) {
		defer t.crowd(b)()
		b.Run("kept-connection", post)
		b.Run("connection-each", func(b *testing.B) {
			var took samples
			for b.Loop() {
				began := time.Now()
				c, err := t.dial()
				if err != nil {
					b.Fatal(err)
				}
				status, answer, err := c.call(http.MethodPost, "/v1/sales", supper(fmt.Sprintf("C%09d", posted.Add(1))))
				took = append(took, time.Since(began))
				if err != nil || status != http.StatusCreated {
					b.Fatalf("%d %s %v", status, answer, err)
				}
				c.conn.Close()
			}
			took.report(b)
			ratio(b, micros(took.at(0.5)), micros(disk), "p50÷fsync")
			if len(took) >= 200 {
				ratio(b, micros(took.at(0.99)), micros(disk), "p99÷fsync")
			}
		})
	})
	b.Run(fmt.Sprintf("askers=%d", askers), func(b *testing.B) {
		defer t.ask(b)()
		post(b)
	})
	rush := func(t *till, disk, pace time.Duration) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() { // once: it takes longer than a benchmark asks for
				t.rush(b, &posted, disk, pace)
			}
		}
	}
	b.Run(fmt.Sprintf("rush=%d,every=%v", rushCallers, rushPace), rush(t, disk, rushPace))
	b.Run(fmt.Sprintf("rush=%d", rushCallers), rush(t, disk, 0))
	b.Run(fmt.Sprintf("disk+%v/rush=%d", flushTime, rushCallers), func(b *testing.B) {
		slow, _ := startTill(b, filepath.Join(dir, "slow"), slowedDisk(b)...)
		rush(slow, disk+flushTime, 0)(b)
	})
}

// rush posts different sales on rushCallers connections for rushTime, each at
// its pace, if any: how long one took counts from when it was to be posted.
// Each must be taken; the agent's memory is told before, and at its most in the
// first and the last third: what leaks would grow from one to the other.
func (t *till) rush(b *testing.B, posted *atomic.Int64, disk, pace time.Duration) {
	var mu sync.Mutex
	var took samples
	refused := map[int]int{} // by status
	start := time.Now()
	over := start.Add(rushTime)
	idle, known := residentBytes(t.cmd.Process.Pid)
	var memory []float64 // each second
	var working sync.WaitGroup
	for i := range rushCallers {
		c, err := t.dial()
		if err != nil {
			b.Fatal(err)
		}
		working.Go(func() {
			defer c.conn.Close()
			turn := start.Add(pace * time.Duration(i) / rushCallers)
			for began := time.Now(); began.Before(over); began = time.Now() {
				if pace > 0 {
					time.Sleep(time.Until(turn))
					began, turn = turn, turn.Add(pace)
				}
				sale := supper(fmt.Sprintf("C%09d", posted.Add(1)))
				status, answer, err := c.call(http.MethodPost, "/v1/sales", sale)
				mu.Lock()
				took = append(took, time.Since(began))
				if status != http.StatusCreated {
					refused[status]++
				}
				mu.Unlock()
				if err != nil {
					b.Errorf("%s %v", answer, err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		working.Wait()
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for rushing := true; rushing; {
		select {
		case <-tick.C:
			now, _ := residentBytes(t.cmd.Process.Pid)
			memory = append(memory, now/(1<<20))
		case <-done:
			rushing = false
		}
	}
	took.report(b)
	ratio(b, micros(took.at(0.99)), micros(disk), "p99÷fsync")
	b.ReportMetric(float64(len(took))/rushTime.Seconds(), "sales/s")
	failed := 0
	for status, n := range refused {
		b.Errorf("%d sales were answered with %d", n, status)
		if status >= 500 {
			failed += n
		}
	}
	b.ReportMetric(float64(failed), "5xx")
	if third := len(memory) / 3; known && third > 0 {
		b.ReportMetric(idle/(1<<20), "MiB-idle")
		b.ReportMetric(slices.Max(memory[:third]), "MiB-first-third")
		b.ReportMetric(slices.Max(memory[len(memory)-third:]), "MiB-last-third")
	}
}

// crowd lets idle and slow callers come, and gives the function that sends them
// home.
func (t *till) crowd(b *testing.B) (goHome func()) {
	home := make(chan struct{})
	var all sync.WaitGroup
	arrived := make(chan struct{}, idleCallers+slowCallers)
	stay := func(say string, every time.Duration) {
		first := true
		for {
			conn, err := net.Dial("tcp", t.addr)
			if first {
				arrived <- struct{}{}
				first = false
			}
			if err != nil {
				b.Error(err)
				return
			}
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = conn.Read(make([]byte, 1)) // until it is closed by either
			}()
			over := t.sayOn(conn, say, every, gone, home)
			conn.Close()
			<-gone
			if over {
				return
			}
			select { // a moment, so that the machine is not kept busy by the crowd itself
			case <-time.After(time.Second):
			case <-home:
				return
			}
		}
	}
	for range idleCallers {
		all.Go(func() { stay("", time.Hour) })
	}
	for range slowCallers {
		all.Go(func() { stay("POST /v1/sales HTTP/1.1\r\nHost: "+t.addr+"\r\nX-Slow: ", 100*time.Millisecond) })
	}
	for range idleCallers + slowCallers {
		<-arrived
	}
	return func() {
		close(home)
		all.Wait()
	}
}

// sayOn sends a byte at a time until the connection is gone; true when it is
// time to go home.
func (t *till) sayOn(conn net.Conn, say string, every time.Duration, gone, home <-chan struct{}) bool {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		if say != "" {
			_, _ = conn.Write([]byte{(say + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")[i%(len(say)+40)]}) // it may be closed
		}
		select {
		case <-tick.C:
		case <-gone:
			return false
		case <-home:
			return true
		}
	}
}

// ask lets callers read the status and lists without a pause, and gives the
// function that ends them.
func (t *till) ask(b *testing.B) (end func()) {
	home := make(chan struct{})
	var all sync.WaitGroup
	var refused, served atomic.Int64
	for range askers {
		all.Go(func() {
			c, err := t.dial()
			if err != nil {
				b.Error(err)
				return
			}
			defer c.conn.Close()
			for {
				select {
				case <-home:
					return
				default:
				}
				status, answer, err := c.call(http.MethodGet, "/v1/status", "")
				switch {
				case err != nil:
					b.Errorf("%s %v", answer, err)
					return
				case status == http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					served.Add(1)
				}
			}
		})
	}
	return func() {
		close(home)
		all.Wait()
		if served.Load() == 0 {
			b.Error("nobody was served")
		}
	}
}
