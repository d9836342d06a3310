package printer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// titled counts the papers that bear a title: all of them, and those that have
// their last line too.
func titled(all []paper.Receipt, title string) (pieces, whole int) {
	for _, r := range all {
		if !strings.HasPrefix(r.Text, title+"\n") {
			continue
		}
		pieces++
		if strings.HasSuffix(r.Text, "end of "+title+"\n") {
			whole++
		}
	}
	return pieces, whole
}

// paperOf is a receipt of some lines that can be told from every other.
func paperOf(t *testing.T, p printer.Profile, title string, qr printer.QRKind) []byte {
	t.Helper()
	doc := printer.Doc{printer.Line{Text: title}}
	for range 20 {
		doc = append(doc, printer.Line{Text: "农夫山泉 2 × 2.00"})
	}
	b, _, err := printer.Encode(append(doc, printer.QR{Data: "https://example.com/" + title, Kind: qr}, printer.Line{Text: "end of " + title}, printer.Cut{}), p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever goes wrong at whatever time, the device sends no job a second time by
// itself: what was not sent is not on paper at all, what is uncertain at most
// once, what is printed once and whole.
func TestR09NothingIsSentAgain(t *testing.T) {
	causes := []paper.Faults{
		{PaperOut: true}, {CoverOpen: true}, {Offline: true}, {Error: true}, {Jammed: true}, {CutterJam: true}, {PowerOff: true},
		{Mute: true}, {Stalled: true}, {NoEcho: true}, {EchoDelayMS: 7000}, {ForeignEcho: true}, {Unplugged: true},
	}
	const jobs = 4
	seen := make(map[printer.Outcome]int)
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(9, seed))
		confirm := printer.Confirm(r.IntN(int(printer.ConfirmNone) + 1))
		inBubble(t, printer.Options{Confirm: confirm, Hold: 40 * time.Second}, func(t *testing.T, s *stand) {
			s.SetTraits(paper.Traits{Speed: 100})
			results := make([]printer.Result, jobs)
			for n := range jobs {
				fault := causes[r.IntN(len(causes))]
				begin := time.Duration(r.IntN(3000)) * time.Millisecond
				stop := after(begin, func() { s.SetFaults(fault) })
				mend := after(begin+time.Duration(r.IntN(60))*time.Second, func() { s.SetFaults(paper.Faults{}) })
				results[n] = s.Print(t.Context(), paperOf(t, s.profile, fmt.Sprintf("job %d", n), printer.QRNative))
				stop()
				mend()
				s.SetFaults(paper.Faults{})
			}
			time.Sleep(2 * time.Minute) // what the printer still has comes out
			all := s.closed()
			for n, result := range results {
				seen[result.Outcome]++
				pieces, whole := titled(all, fmt.Sprintf("job %d", n))
				if result.Outcome == printer.NotSent && pieces > 0 || whole > 1 || result.Outcome == printer.Printed && whole != 1 {
					t.Errorf("seed %d, confirm %d, job %d: %s (%v), %d pieces and %d whole on paper", seed, confirm, n, result.Outcome, result.Err, pieces, whole)
				}
			}
		})
	}
	for _, outcome := range []printer.Outcome{printer.NotSent, printer.Printed, printer.Uncertain} {
		if seen[outcome] == 0 {
			t.Errorf("nothing came out as %s: %v", outcome, seen)
		}
	}
}

// TestPrintAndDie is no test: the process that TestR08KilledAtEveryStep kills. It
// takes one step for each line it reads, and says so.
func TestPrintAndDie(t *testing.T) {
	port, journal := os.Getenv("TEST_PRINT_PORT"), os.Getenv("TEST_PRINT_JOURNAL")
	if port == "" {
		t.Skip("it is for TestR08KilledAtEveryStep")
	}
	p, _ := printer.ProfileByName("generic-80")
	d, err := printer.NewDevice(printer.Options{Port: port, Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	var result printer.Result
	steps := []func(){
		func() {}, // it lives
		func() { note(t, journal, "send_started") },
		func() { result = d.Print(context.Background(), paperOf(t, p, "first", printer.QRRaster)) },
		func() { note(t, journal, result.Outcome.String()) },
	}
	in := bufio.NewReader(os.Stdin)
	for _, step := range steps {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
		step()
		fmt.Println("done")
	}
	in.ReadString('\n')
}

// note puts one entry on disk for good.
func note(t *testing.T, journal, entry string) {
	f, err := os.OpenFile(journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, entry+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// TestR08KilledAtEveryStep kills a process that prints, between any two of its
// steps and within the job, and then does what a restart does: by the journal the
// job is not sent, printed, or unknown, and an unknown one is printed again with a
// mark. On paper nothing is lost, and nothing is there twice without the mark.
func TestR08KilledAtEveryStep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps int // that the process ends
		after int // bytes of the step begun then, which it is killed in; 0 is between steps
		want  string
	}{
		{"before the journal", 1, 0, ""},
		{"before the first byte", 2, 0, "send_started"},
		{"at the greeting", 2, 2, "send_started"},
		{"within the first line", 2, 120, "send_started"},
		{"within the text", 2, 400, "send_started"},
		{"within the QR code", 2, 3000, "send_started"},
		{"printed, not noted", 3, 0, "send_started"},
		{"noted", 4, 0, "send_started\nprinted"},
	}
	for port, listen := range ports(t) {
		for _, tt := range tests {
			t.Run(port+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				// It is known to answer: on a slow machine no mute printer is seen in it.
				s := newStand(t, printer.Options{Confirm: printer.ConfirmProcessID, Timeout: 20 * time.Second}, listen)
				defer s.Close()
				if tt.after > 0 {
					s.SetFaults(paper.Faults{StallAfter: tt.after})
				}
				journal := filepath.Join(t.TempDir(), "journal")
				runAndKill(t, s, journal, tt.steps, tt.after > 0)
				s.SetFaults(paper.Faults{})

				raw, err := os.ReadFile(journal)
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if got := strings.TrimSpace(string(raw)); got != tt.want {
					t.Fatalf("the journal says %q, want %q", got, tt.want)
				}
				title := map[string]string{"": "first", "send_started": "again"}[tt.want]
				if title != "" {
					job := paperOf(t, s.profile, title, printer.QRRaster)
					r := s.Print(t.Context(), job)
					for tries := 0; r.Outcome == printer.NotSent && tries < 5; tries++ { // free to repeat
						r = s.Print(t.Context(), job)
					}
					expect(t, r, printer.Printed, "")
				}
				all := s.closed()
				_, first := titled(all, "first")
				_, marked := titled(all, "again")
				if first > 1 || first+marked == 0 || title == "first" && first != 1 || title == "again" && marked != 1 {
					t.Errorf("%d times unmarked and %d marked on paper", first, marked)
				}
			})
		}
	}
}

// closed ends printing and gives what came out.
func (s *stand) closed() []paper.Receipt {
	s.Close()
	close(s.receipts)
	var all []paper.Receipt
	for r := range s.receipts {
		all = append(all, r)
	}
	return all
}

// runAndKill has another process take so many steps and kills it; within, in the
// step after them, once the printer has what it takes of that.
func runAndKill(t *testing.T, s *stand, journal string, steps int, within bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPrintAndDie$")
	cmd.Env = append(os.Environ(), "TEST_PRINT_PORT="+s.port, "TEST_PRINT_JOURNAL="+journal)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	out := bufio.NewReader(stdout)
	for range steps {
		io.WriteString(stdin, "\n")
		if line, err := out.ReadString('\n'); line != "done\n" {
			t.Fatalf("the process says %q, %v", line, err)
		}
	}
	if !within {
		return
	}
	io.WriteString(stdin, "\n")
	for end := time.Now().Add(20 * time.Second); !s.Faults().Stalled; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the bytes did not come")
		}
	}
}
