package printer

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

var p80 = Profile{Name: "test", Dots: 576, Columns: 48, LineDots: 30, Speed: 100, ReceiveBuffer: 4096}

func TestR03StepsOfAJob(t *testing.T) {
	tests := []struct {
		name, bytes string
		want        step
	}{
		{"text", "abc\n", step{bytes: 3}},
		{"line", "\n", step{bytes: 1, dots: 30, lineStart: true}},
		{"feed", "\x1bd\x04", step{bytes: 3, dots: 120, lineStart: true}},
		{"feed dots", "\x1bJ\xff", step{bytes: 3, dots: 255, lineStart: true}},
		{"mode", "\x1ba\x01", step{bytes: 3, lineStart: true}},
		{"raster", "\x1dv0\x00\x02\x00\x03\x00abcdef\n", step{bytes: 14, dots: 3, lineStart: true}},
		{"raster cut off", "\x1dv0\x00\x02\x00\x03\x00abc", step{bytes: 11, dots: 3}},
		{"raster of 4 GB", "\x1dv0\x00\xff\xff\xff\xffabc", step{bytes: 11, dots: 65535}},
		{"QR", "\x1d(k\x03\x001Q0", step{bytes: 8, dots: 180, lineStart: true}},
		{"cut", "\x1dV\x42\x00", step{bytes: 4, takes: time.Second, lineStart: true}},
		{"later cut", "\x1dV\x61\x03", step{bytes: 4, dots: 3, takes: time.Second, lineStart: true}},
		{"drawer", "\x1bp\x00\x19\xfa", step{bytes: 5, takes: time.Second, lineStart: true}},
		{"barcode", "\x1dkI\x02abX", step{bytes: 6, dots: 192, lineStart: true}},
		{"old barcode", "\x1dk\x04ab\x00X", step{bytes: 6, dots: 192, lineStart: true}},
		{"Chinese that wraps", string(bytes.Repeat([]byte("\xd6\xd0"), 25)), step{bytes: 50, dots: 30}},
	}
	for _, tt := range tests {
		if got := newScanner(p80).next([]byte(tt.bytes)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	for _, within := range []string{"a\t", "a\x1ba\x01", "\x1b*\x00\x01\x00x\x1ba\x01"} { // nothing may be asked within a line
		if windows := splitJob([]byte(within+"more"), p80, 1); len(windows) != 1 {
			t.Errorf("%q: %q", within, windows)
		}
	}
	s := newScanner(p80)
	if got := s.next([]byte("\x1b\x7fanything")); got.bytes != 10 || got.lineStart || !s.lost {
		t.Errorf("unknown: %+v", got)
	}
}

// The windows of a job are the job, however broken it is.
func FuzzWindows(f *testing.F) {
	f.Add([]byte("\x1b@abc\n\x1dv0\x00\x02\x00\x03\x00abcdef\n\x1dV\x42\x00"), 16)
	f.Add([]byte("\x1dk\x04"), 1)
	f.Add([]byte("\x1d(k\xff\xff1"), 64)
	f.Fuzz(func(t *testing.T, job []byte, limit int) {
		limit = max(1, min(limit, 2000))
		var all []byte
		for i, window := range splitJob(job, p80, limit) {
			if len(window) == 0 {
				t.Fatalf("window %d is empty", i)
			}
			all = append(all, window...)
		}
		if !bytes.Equal(all, job) {
			t.Fatal("the parts are not the job")
		}
		hasLongCommand(job, p80)
	})
}

// However a job is sent by it, a pacer never lets more stand in a printer than it
// has room for: a quarter stays free, in one a fifth slower than its model says,
// as low batteries make it.
func TestR03PacerNeverOverfills(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		p := newPacer(p80)
		now := time.Unix(0, 0)
		var busy time.Time // the printer: when it is done with each part
		type part struct {
			bytes int
			done  time.Time
		}
		var inside []part
		for range 500 {
			st := step{bytes: 1 + random.IntN(256), dots: random.IntN(200)}
			for wait := p.wait(now, st.bytes); wait > 0; wait = p.wait(now, st.bytes) {
				now = now.Add(wait)
			}
			p.add(now, st.bytes, p.takes(st))
			if busy.Before(now) {
				busy = now
			}
			busy = busy.Add(time.Duration(st.dots) * time.Second / time.Duration(p80.Speed*dotsPerMM*4/5))
			inside = append(inside, part{st.bytes, busy})
			stand := 0
			for len(inside) > 0 && !inside[0].done.After(now) {
				inside = inside[1:]
			}
			for _, i := range inside {
				stand += i.bytes
			}
			if stand > p80.ReceiveBuffer*3/4 {
				t.Fatalf("seed %d: %d bytes stand in the printer", seed, stand)
			}
		}
		if now.Equal(time.Unix(0, 0)) {
			t.Error("it never waited")
		}
	}
}
