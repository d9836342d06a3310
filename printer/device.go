package printer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Confirm is how printing is known to be done.
type Confirm int

// The ways of confirmation.
const (
	ConfirmAuto      Confirm = iota // GS r where the printer answers it, otherwise none
	ConfirmProcessID                // GS ( H fn 48: a token of each attempt comes back when printed
	ConfirmStatus                   // GS r 1: answered in order, after everything before it
	ConfirmNone                     // the printer is written to and never asked
)

// A Conn is an open port. Read waits for at least one byte; Close frees a
// waiting Read. The device gives every call its deadline.
type Conn interface {
	io.Reader
	io.Writer
	io.Closer
}

// Options of a Device.
type Options struct {
	// Port is COM3, /dev/ttyUSB0, tcp://HOST:9100, usb:/dev/usb/lp0 (Linux) or
	// windows:QUEUE (a print queue); not used where Dial is given.
	Port     string
	Baud     int    // of a serial port; 0 is 9600
	DataBits int    // 5-8; 0 is 8
	StopBits int    // 1 or 2; 0 is 1
	Parity   string // "none", "odd", "even"; "" is none
	Flow     Flow   // of a serial port; "" is none
	Driver   string // of a serial port: DriverTarm, DriverBugst; "" is DriverTarm

	// Dial opens the port, so that a caller can bring its own; nil is by Port.
	Dial func(ctx context.Context) (Conn, error)

	Profile Profile       // of the printer; it names the printer in the log
	Confirm Confirm       // how printing is known to be done
	Timeout time.Duration // without progress for this long the port is given up; 0 is 15 s
	Logger  *slog.Logger  // nil logs nothing

	// Hold is how long a job that has begun waits for somebody to put right what
	// the printer tells is wrong; 0 is until its context ends. The printer still has
	// the job's bytes and prints them as soon as it can.
	Hold time.Duration
	// OnStatus is told of every change of the state, by the goroutine that saw it:
	// it must return soon, and not call the Device. nil is nobody.
	OnStatus func(Status)
	// Store keeps what has been found out of the printer from run to run; nil is none.
	Store Store

	system system // where ports are looked for; zero is this machine
}

// ErrClosed is the error of a job given to a closed Device.
var ErrClosed = errors.New("the printer is closed")

// A Device is one printer at one port. It opens the port when it first needs it
// and again after a failure. Its methods may be called from any goroutine.
type Device struct {
	port     string
	profile  Profile
	confirm  Confirm
	timeout  time.Duration
	hold     time.Duration
	dial     func(context.Context) (Conn, error)
	spool    spooler // a print queue instead of a port; nil is none
	store    Store
	onStatus func(Status)
	log      *slog.Logger
	nonce    [2]byte // of this Device, in every token

	turn    chan struct{} // holds one value while a job or a question runs
	closing chan struct{}
	once    sync.Once

	// What follows belongs to the holder of turn.
	link      *link         // nil while the port is closed
	abandoned chan struct{} // closed when a call of the port that was given up has come back; nil is none
	answered  bool          // the printer has answered some time
	proof     Proof         // what is known of how it confirms
	known     bool          // who it is has been asked since the port was opened
	unproved  int           // jobs in a row kept back because GS r was not answered
	noProof   bool          // since the port was opened it answered DLE EOT and nothing else
	synced    bool          // nothing that an earlier run asked is still to be answered
	owed      int           // GS r that may still be answered, after their job was given up too
	lateWait  time.Duration // how far apart those answers may come
	pacer     *pacer        // for a printer that cannot say how far it has come
	broken    bool          // the last job was given up, perhaps within a command
	stuck     bool          // it did not answer before the last job, as it had done some time
	tokens    int           // given out so far

	mu    sync.Mutex
	last  Status
	shown Proof // proof, for others
}

// NewDevice checks the options. It opens nothing.
func NewDevice(o Options) (*Device, error) {
	dial, spool, err := o.opener()
	if err != nil {
		return nil, err
	}
	if o.Confirm < ConfirmAuto || o.Confirm > ConfirmNone {
		return nil, fmt.Errorf("unknown way of confirmation %d", o.Confirm)
	}
	d := &Device{
		port:     o.Port,
		profile:  o.Profile,
		confirm:  o.Confirm,
		timeout:  o.Timeout,
		hold:     o.Hold,
		dial:     dial,
		spool:    spool,
		store:    o.Store,
		onStatus: o.OnStatus,
		log:      o.Logger,
		turn:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		lateWait: quietWait,
		pacer:    newPacer(o.Profile),
		last:     Status{State: StateUnknown},
	}
	if d.timeout <= 0 {
		d.timeout = 15 * time.Second
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.log = d.log.With("profile", o.Profile.Name, "port", o.Port)
	_, _ = rand.Read(d.nonce[:]) // never fails
	if d.store != nil {
		if p, ok := d.store.LoadProof(o.Port); ok {
			p.From = FromStore
			d.proof = p
			d.show()
		}
	}
	return d, nil
}

// windowBytes is how much may go between two questions: two windows and their
// questions must have room in the printer.
func (d *Device) windowBytes() int {
	const question = 11
	buffer := d.profile.ReceiveBuffer
	if buffer <= 0 {
		buffer = defaultBuffer
	}
	return max(min(chunkBytes, buffer*3/8)-question, 64)
}

// Print prints one job and waits until it is known what became of it: as long as
// the printer makes progress or tells what holds it up, at most 60 s after its
// last byte otherwise. Cancelling ctx gives the job up, Uncertain once its first
// byte has left. Jobs wait for each other, the next until the printer has proved
// the one before.
func (d *Device) Print(ctx context.Context, job []byte) Result {
	if len(job) == 0 {
		return Result{Err: errors.New("cannot print an empty job")}
	}
	if err := d.take(ctx); err != nil {
		return Result{Err: err}
	}
	defer d.give()
	if d.spool != nil {
		return d.printSpooled(ctx, job)
	}
	s, plan, failed := d.ready(ctx)
	if failed != nil {
		return *failed
	}
	defer s.end()
	r := s.print(job, plan)
	if r.Outcome != Printed && r.Outcome != Sent {
		d.log.Warn("job not printed", "outcome", r.Outcome.String(), "cause", string(r.Cause), "written", r.Written, "of", len(job), "err", r.Err)
		d.broken = d.broken || r.Outcome == Uncertain && hasLongCommand(job, d.profile)
		d.note(s.state, false)
		d.drop()
	}
	return r
}

// Ready brings the printer to where a job may begin, as Print does first, and
// sends none. The result is NotSent and tells why where none can.
func (d *Device) Ready(ctx context.Context) (r Result, ok bool) {
	if err := d.take(ctx); err != nil {
		return Result{Err: err}, false
	}
	defer d.give()
	if d.spool != nil {
		r := d.spoolReady(ctx)
		return r, r.Err == nil
	}
	s, _, failed := d.ready(ctx)
	if failed != nil {
		return *failed, false
	}
	s.end()
	return Result{}, true
}

// Status asks the printer how it is. While a job prints it gives at once what
// that job has seen. The error tells why the port cannot be opened.
func (d *Device) Status(ctx context.Context) (Status, error) {
	select {
	case d.turn <- struct{}{}:
	default:
		return d.lastStatus(), nil
	}
	defer d.give()
	if d.isClosed() {
		return d.lastStatus(), ErrClosed
	}
	if d.spool != nil {
		r := d.spoolReady(ctx)
		if errors.As(r.Err, new(notReadyError)) {
			r.Err = nil // it has told how it is
		}
		return d.lastStatus(), r.Err
	}
	s, state, err := d.greet(ctx)
	if err != nil {
		return d.lastStatus(), err
	}
	s.end()
	d.log.Debug("status", "state", string(state))
	return d.lastStatus(), nil
}

// Close gives up a running job and closes the port. It takes at most some
// seconds, whatever the port does.
func (d *Device) Close() error {
	d.once.Do(func() { close(d.closing) })
	d.turn <- struct{}{} // every holder lets go soon after closing
	defer d.give()
	if d.link != nil {
		l := d.link
		d.link = nil
		if !l.close(false) {
			return errors.New("the printer's port did not close in time; it is left to the system")
		}
	}
	return nil
}

// take waits for the turn.
func (d *Device) take(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closing:
		return ErrClosed
	}
	err := ctx.Err()
	if d.isClosed() {
		err = ErrClosed
	}
	if err != nil {
		d.give()
	}
	return err
}

func (d *Device) give() { <-d.turn }

func (d *Device) isClosed() bool {
	select {
	case <-d.closing:
		return true
	default:
		return false
	}
}

func (d *Device) lastStatus() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// note keeps the state and tells of a change; held, that a job waits in it.
func (d *Device) note(state State, held bool) {
	if state == "" {
		return
	}
	d.mu.Lock()
	was := d.last
	d.last = Status{State: state, Held: held, CanAnswer: d.answered, At: time.Now()}
	now := d.last
	d.mu.Unlock()
	if was.State == state && was.Held == held {
		return
	}
	d.log.Info("printer state", "from", string(was.State), "to", string(state), "held", held)
	if d.onStatus != nil {
		d.onStatus(now)
	}
}

// unblocked is an error while a call that was given up keeps the port or the
// queue. One that is just coming back is waited for.
func (d *Device) unblocked(ctx context.Context) error {
	if d.abandoned == nil {
		return nil
	}
	late := time.NewTimer(closeWait)
	defer late.Stop()
	select {
	case <-d.abandoned:
		d.abandoned = nil
		return nil
	case <-late.C:
		return errors.New("cannot use the printer's port: it is still blocked by what was given up before")
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closing:
		return ErrClosed
	}
}

// open opens the port unless it is open. The port may block in opening: it is
// waited for no longer than dialWait, closed if it opens later, and not opened
// again before that.
func (d *Device) open(ctx context.Context) error {
	if err := d.unblocked(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	type opened struct {
		conn Conn
		err  error
	}
	result := make(chan opened, 1)
	go func() {
		conn, err := d.dial(ctx)
		result <- opened{conn, err}
	}()
	var cause error
	select {
	case r := <-result:
		if r.err == nil {
			d.link = newLink(r.conn)
			d.link.fresh = true
		}
		return r.err
	case <-ctx.Done():
		cause = fmt.Errorf("cannot open the printer's port: %w", ctx.Err())
	case <-d.closing:
		cause = ErrClosed
	}
	late := make(chan struct{})
	d.abandoned = late
	go func() {
		defer close(late)
		if r := <-result; r.err == nil {
			r.conn.Close()
		}
	}()
	return cause
}

// drop gives the port up; what has not left is discarded.
func (d *Device) drop() {
	if d.link == nil {
		return
	}
	if !d.link.close(true) {
		d.abandoned = d.link.gone
		d.log.Warn("the port did not close in time; it is left to the system")
	}
	d.link = nil
	d.noProof, d.known = false, false
}

// token gives four characters of 0x21-0x7E that no other attempt has had.
func (d *Device) token() string {
	const base = 0x7E - 0x21 + 1
	d.tokens++
	n := d.tokens
	return string([]byte{
		0x21 + d.nonce[0]%base, 0x21 + d.nonce[1]%base,
		0x21 + byte(n/base%base), 0x21 + byte(n%base),
	})
}
