package printer_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// A printer that works, however slowly, is waited for; but not for ever.
func TestSlowPrinting(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{DelayMS: 1000})
		start := time.Now()
		expect(t, s.Print(t.Context(), s.job(t, "slow", 40)), printer.Printed, "")
		if took := time.Since(start); took < 41*time.Second {
			t.Errorf("confirmed after %v", took)
		}
	})
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{DelayMS: 3000})
		start := time.Now()
		expect(t, s.Print(t.Context(), s.job(t, "endless", 200)), printer.Uncertain, printer.CauseOffline)
		if took := time.Since(start); took < time.Minute || took > 65*time.Second {
			t.Errorf("gave up after %v", took)
		}
		if st, _ := s.Status(t.Context()); st.State != printer.StateReady {
			t.Errorf("it is %s", st.State)
		}
	})
}

func TestR02Stalled(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
		s.next(t)
		s.SetFaults(paper.Faults{StallAfter: 5000})
		job := s.job(t, "stalled", 600)
		start := time.Now()
		r := s.Print(t.Context(), job)
		expect(t, r, printer.Uncertain, printer.CauseOffline)
		if took := time.Since(start); took > 17*time.Second || r.Written < 4000 || r.Written >= len(job) {
			t.Errorf("took %v, %d of %d written", took, r.Written, len(job))
		}
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "after", 1)), printer.Printed, "")
		s.onlyLast(t, "after")
	})
}

// A job that broke off within a picture must not swallow the next.
func TestR13BrokenWithinARaster(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		raster := s.profile
		raster.NativeQR = false
		broken, _, err := printer.Encode(printer.Doc{printer.Line{Text: "broken"}, printer.QR{Data: strings.Repeat("x", 120)}, printer.Cut{}}, raster)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
		s.next(t)
		s.SetFaults(paper.Faults{StallAfter: 4000})
		expect(t, s.Print(t.Context(), broken), printer.Uncertain, printer.CauseOffline)
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "next", 1)), printer.Printed, "")
		s.onlyLast(t, "next")
	})
}

func TestR02Cancel(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := s.Print(ctx, s.job(t, "cancelled", 1))
		if r.Outcome != printer.NotSent || !errors.Is(r.Err, context.Canceled) {
			t.Errorf("%s, %v", r.Outcome, r.Err)
		}
		// Given up while it is asked how it is: that tells nothing of the printer.
		expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
		s.SetFaults(paper.Faults{Mute: true})
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if r := s.Print(ctx, s.job(t, "impatient", 1)); r.Outcome != printer.NotSent || r.Cause != "" {
			t.Errorf("%s %q, %v", r.Outcome, r.Cause, r.Err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if st, err := s.Status(ctx); err == nil || st.State != printer.StateReady {
			t.Errorf("status %+v, %v", st, err)
		}
		s.SetFaults(paper.Faults{DelayMS: 1000})
		ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		r = s.Print(ctx, s.job(t, "given up", 10))
		if r.Outcome != printer.Uncertain || !errors.Is(r.Err, context.DeadlineExceeded) || r.Cause != "" {
			t.Errorf("%s %q, %v", r.Outcome, r.Cause, r.Err)
		}
		if r := s.Print(t.Context(), nil); r.Outcome != printer.NotSent || r.Err == nil {
			t.Errorf("an empty job: %s, %v", r.Outcome, r.Err)
		}
	})
}

func TestR04JobsTakeTurns(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{DelayMS: 100})
		var jobs sync.WaitGroup
		for range 5 {
			jobs.Go(func() { expect(t, s.Print(t.Context(), s.job(t, "job", 5)), printer.Printed, "") })
		}
		synctest.Wait()
		start := time.Now()
		if st, err := s.Status(t.Context()); err != nil || st.State != printer.StateReady || time.Since(start) != 0 {
			t.Errorf("status while printing: %+v, %v, after %v", st, err, time.Since(start))
		}
		jobs.Wait()
		if len(s.receipts) != 5 {
			t.Errorf("%d receipts", len(s.receipts))
		}
		for range len(s.receipts) {
			if r := <-s.receipts; strings.Count(r.Text, "\n") != 6 || !r.Cut {
				t.Errorf("a receipt of %q", r.Text)
			}
		}
	})
}

func TestR02Close(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{DelayMS: 1000})
		result := make(chan printer.Result, 1)
		go func() { result <- s.Print(t.Context(), s.job(t, "job", 30)) }()
		time.Sleep(5 * time.Second)
		start := time.Now()
		if err := s.Device.Close(); err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(start))
		}
		if r := <-result; r.Outcome != printer.Uncertain || !errors.Is(r.Err, printer.ErrClosed) {
			t.Errorf("%s, %v", r.Outcome, r.Err)
		}
		if r := s.Print(t.Context(), s.job(t, "late", 1)); r.Outcome != printer.NotSent || !errors.Is(r.Err, printer.ErrClosed) {
			t.Errorf("%s, %v", r.Outcome, r.Err)
		}
		if _, err := s.Status(t.Context()); !errors.Is(err, printer.ErrClosed) {
			t.Errorf("Status: %v", err)
		}
		if err := s.Device.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestPortThatDoesNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		closed := make(chan struct{})
		calls := 0
		d, err := printer.NewDevice(printer.Options{Dial: func(context.Context) (printer.Conn, error) {
			if calls++; calls == 1 {
				return nil, errors.New("no such port")
			}
			<-block
			return &closeNoter{closed: closed}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, d.Print(t.Context(), []byte("x")), printer.NotSent, printer.CauseOffline)
		start := time.Now()
		st, err := d.Status(t.Context())
		if err == nil || st.State != printer.StateOffline || time.Since(start) != 10*time.Second {
			t.Errorf("status %+v, %v after %v", st, err, time.Since(start))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		close(block) // a port that opens too late is closed
		<-closed
	})
}

// TestR23PortIsOpenedOnce holds that a port which blocks in opening is not opened
// again and again meanwhile, as that of a Bluetooth printer which is off would be
// all night, and that it is used once it has come back.
func TestR23PortIsOpenedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		var calls atomic.Int32
		d, err := printer.NewDevice(printer.Options{Dial: func(context.Context) (printer.Conn, error) {
			calls.Add(1)
			<-block
			return nil, errors.New("it does not answer")
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			expect(t, d.Print(t.Context(), []byte("x")), printer.NotSent, printer.CauseOffline)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("opened %d times at once", n)
		}
		close(block)
		if r := d.Print(t.Context(), []byte("x")); calls.Load() != 2 || !strings.Contains(r.Err.Error(), "does not answer") {
			t.Errorf("opened %d times, %v", calls.Load(), r.Err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

type closeNoter struct {
	printer.Conn
	closed chan struct{}
}

func (c *closeNoter) Close() error {
	close(c.closed)
	return nil
}

// A port that blocks for ever, in Write and in Close, is left behind.
func TestR02PortThatNeverComesBack(t *testing.T) {
	release := make(chan struct{})
	d, err := printer.NewDevice(printer.Options{
		Confirm: printer.ConfirmNone, Timeout: 50 * time.Millisecond,
		Dial: func(context.Context) (printer.Conn, error) { return stuckPort{release}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, d.Print(t.Context(), []byte("x")), printer.Uncertain, printer.CauseOffline)
	r := d.Print(t.Context(), []byte("x"))
	expect(t, r, printer.NotSent, printer.CauseOffline)
	if !strings.Contains(r.Err.Error(), "still blocked") {
		t.Errorf("error %v", r.Err)
	}
	start := time.Now()
	if err := d.Close(); err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("Close: %v after %v", err, time.Since(start))
	}
	close(release)
}

type stuckPort struct{ release chan struct{} }

func (s stuckPort) Read([]byte) (int, error)  { <-s.release; return 0, io.EOF }
func (s stuckPort) Write([]byte) (int, error) { <-s.release; return 0, io.EOF }
func (s stuckPort) Close() error              { <-s.release; return nil }

func TestOptions(t *testing.T) {
	bad := map[string]printer.Options{
		"no port":             {},
		"unknown scheme":      {Port: "usb:/dev/usb/lp0://x"},
		"no host":             {Port: "tcp://"},
		"parity":              {Port: "COM3", Parity: "sometimes"},
		"data bits":           {Port: "COM3", DataBits: 9},
		"stop bits":           {Port: "COM3", StopBits: 3},
		"baud":                {Port: "COM3", Baud: -9600},
		"way to be confirmed": {Port: "COM3", Confirm: 17},
	}
	for name, o := range bad {
		if _, err := printer.NewDevice(o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, o := range []printer.Options{{Port: "COM3"}, {Port: "/dev/ttyUSB0", Baud: 19200, DataBits: 7, StopBits: 2, Parity: "even"}, {Port: "tcp://192.0.2.1"}, {Port: "tcp://[2001:db8::1]:9100"}} {
		d, err := printer.NewDevice(o)
		if err != nil {
			t.Errorf("%+v: %v", o, err)
			continue
		}
		if st, _ := d.Status(canceled()); st.State == printer.StateReady {
			t.Errorf("%s is ready", o.Port)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
