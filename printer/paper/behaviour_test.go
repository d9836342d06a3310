package paper_test

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/makiuchi-d/gozxing/qrcode"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// The clone's ways that make naive programs print rubbish.
func TestBehavesLikeAClone(t *testing.T) {
	p80 := profile(t, "generic-80")
	p80.NativeQR = true
	const chinese = "\x1b@\x1c&\x1cS\x00\x00"
	tests := []struct {
		name, bytes string
		text        string // of the first receipt
		problem     string
	}{
		{"GB18030 yen of four bytes", chinese + "\x81\x30\x84\x365.00\n", "□0□65.00\n", "half a character"},
		{"ESC @ drops the Chinese mode", chinese + "\x1b@\xd6\xd0\n", "╓╨\n", "outside the Chinese mode"},
		{"China's set", chinese + "\x1bR\x0f$5\n", "¥5\n", ""},
		{"ESC ! leaves Chinese small", chinese + "\x1b!\x30A\xd6\xd0\n", "A中\n", ""},
		{"half a character at the line's end", chinese + "\xd6\n", "□\n", "D6 is half"},
		{"a QR code wider than the paper", "\x1b@\x1d(k\x03\x001C\x08\x1d(k\xb8\x0b1P0" + strings.Repeat("x", 2997) + "\x1d(k\x03\x001Q0ok\n", "ok\n", "cannot make a QR code"},
		{"a QR code too wide", "\x1b@\x1d(k\x03\x001C\x08\x1d(k\x03\x001E1\x1d(k\xeb\x031P0" + strings.Repeat("x", 1000) + "\x1d(k\x03\x001Q0ok\n", "ok\n", "wider than the paper"},
		{"QR of nothing", "\x1b@\x1d(k\x03\x001Q0ok\n", "ok\n", "no QR data"},
		{"unknown command", "\x1b@a\x1b\x7fb\n", "a□b\n", "unknown bytes 1B 7F"},
		{"a control character", "\x1b@a\x07b\n", "a□b\n", "unknown bytes 07"},
		{"alignment within a line", "\x1b@a\x1ba\x01b\n", "ab\n", "ESC a within a line"},
		{"FS & within a line", "\x1b@a\x1c&\x1cS\x00\x00\xd6\xd0\n", "a\n中\n", "FS & within"},
		{"columns drift without FS S", "\x1b@\x1c&" + strings.Repeat("\xd6\xd0", 24) + "\n", strings.Repeat("中", 22) + "\n" + "中中\n", ""},
		{"full line", "\x1b@" + strings.Repeat("x", 50) + "\n", strings.Repeat("x", 48) + "\nxx\n", ""},
		{"tabs", "\x1b@a\tb\t\tc\n", "a       b               c\n", ""},
		{"deselected", "\x1b@a\n\x1b=\x00hidden\n\x1b=\x01b\n", "a\nb\n", ""},
		{"ESC @ forgets the line", "\x1b@lost\x1b@kept\n", "kept\n", ""},
		{"feeds", "\x1b@a\x1bd\x03b\x1bJ\x3c\x1b3\x0ac\n", "a\n\n\nb\nc\n", ""},
		{"not supported", "\x1b@\x1b$\x01\x00a\n", "a\n", "ESC $ is not supported"},
		{"code page", "\x1b@\x1bt\x05a\n", "a\n", "code page 5"},
		{"NUL between commands", "\x1b@\x00a\x00\n", "a\n", ""},
		{"EAN barcode", "\x1b@\x1dk\x02123456789012\x00a\n", "a\n", "GS k 2"},
		{"a band beside text", "\x1b@a\x1b*!\x01\x00\xff\xff\xffb\n", "a\n[1×24]\nb\n", "ESC * within a line; text beside a band"},
		{"a band of 8 dots", "\x1b@\x1b*\x00\x01\x00\xffa\n", "a\n", "ESC * 0"},
		{"a band of nothing", "\x1b@\x1b*!\x00\x00a\n", "a\n", "without dots"},
		{"barcode data", "\x1b@\x1dkI\x03abca\n", "a\n", "no CODE128 data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			receipts := feed(t, paper.Options{Profile: p80}, []byte(tt.bytes))
			if len(receipts) == 0 {
				t.Fatal("nothing printed")
			}
			r := receipts[0]
			if r.Text != tt.text {
				t.Errorf("printed\n%s\nwant\n%s", r.Text, tt.text)
			}
			if problems := strings.Join(r.Problems, "; "); tt.problem == "" && problems != "" || !strings.Contains(problems, tt.problem) {
				t.Errorf("problems: %s; want %q", problems, tt.problem)
			}
		})
	}
}

func TestModelWithoutQROrCutter(t *testing.T) {
	r := feed(t, paper.Options{Profile: profile(t, "generic-58")}, encode(t, receipt(), profile(t, "generic-80")))[0]
	problems := strings.Join(r.Problems, "; ")
	if !strings.Contains(problems, "draws no QR codes") || !strings.Contains(problems, "no cutter") || r.Cut || len(r.QRs) > 0 {
		t.Errorf("cut %v, QRs %v, problems: %s", r.Cut, r.QRs, problems)
	}
}

func TestErrorCorrectionLevels(t *testing.T) {
	for level := byte('0'); level <= '3'; level++ {
		data := fmt.Sprintf("\x1b@\x1d(k\x03\x001C\x05\x1d(k\x03\x001E%c\x1d(k\x0e\x001P0https://ab/\x1d(k\x03\x001Q0\x1dV\x00", level)
		r := feed(t, paper.Options{}, []byte(data))[0]
		if got := decode(t, qrcode.NewQRCodeReader(), r.Image); got != "https://ab/" || !r.Cut {
			t.Errorf("level %c: %q, cut %v, %v", level, got, r.Cut, r.Problems)
		}
	}
}

// However the stream is cut into reads, the paper is the same.
func TestAnySplit(t *testing.T) {
	p := profile(t, "generic-58")
	doc := append(receipt(), printer.Drawer{Pin: 2}, printer.Line{Text: "after"})
	data := encode(t, doc, p)
	want := feed(t, paper.Options{Profile: p}, data)[0]
	for _, n := range []int{1, 2, 3, 7, 1000} {
		stand, receipts := collect(t, paper.Options{Profile: p})
		conn := stand.Conn()
		for rest := data; len(rest) > 0; {
			chunk := rest[:min(n, len(rest))]
			if _, err := conn.Write(chunk); err != nil {
				t.Fatal(err)
			}
			rest = rest[len(chunk):]
		}
		conn.Close()
		stand.Close()
		got := <-receipts
		if got.Text != want.Text || !bytes.Equal(got.Image.Pix, want.Image.Pix) || !bytes.Equal(got.Bytes, data) {
			t.Errorf("chunks of %d print something else", n)
		}
		if got.DrawerKicks != 1 || stand.State().DrawerKicks != 1 {
			t.Errorf("%d kicks", got.DrawerKicks)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	p := profile(t, "generic-80")
	if err := os.WriteFile(filepath.Join(dir, "0041.png"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	job := encode(t, receipt(), p)
	uncut := encode(t, printer.Doc{printer.Line{Text: "没有切纸"}}, p)
	feed(t, paper.Options{Dir: dir, Profile: p}, append(append(append([]byte(nil), job...), uncut...), job...))
	feed(t, paper.Options{Dir: dir, Profile: p}, uncut)

	for n, want := range map[int][]byte{42: job, 43: uncut, 44: job, 45: uncut} {
		bin, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%04d.bin", n)))
		if err != nil || !bytes.Equal(bin, want) {
			t.Errorf("%d.bin: %d bytes, %v; want %d", n, len(bin), err, len(want))
		}
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%04d.txt", n)))
		if err != nil || strings.Contains(string(text), "Cut: false") != (n%2 == 1) || strings.Contains(string(text), "QR: "+invoiceURL+"\n") != (n%2 == 0) {
			t.Errorf("%d.txt: %v\n%s", n, err, text)
		}
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("%04d.png", n)))
		if err != nil {
			t.Fatal(err)
		}
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() != 640+2*24 {
			t.Errorf("%d.png: %v", n, err)
		}
		f.Close()
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1+4*3 {
		t.Errorf("%d files: %v", len(entries), entries)
	}
}

// An uncut receipt is written once nothing has come for a while.
func TestIdleReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, receipts := collect(t, paper.Options{Idle: 5 * time.Second})
		conn := p.Conn()
		defer conn.Close()
		start := time.Now()
		for range 3 { // 4 s apart: still one receipt
			if _, err := conn.Write([]byte("line\n")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * time.Second)
		}
		r := <-receipts
		if r.Text != "line\nline\nline\n" || r.Cut || time.Since(start) != 13*time.Second {
			t.Errorf("after %v: cut %v, %q", time.Since(start), r.Cut, r.Text)
		}
		p.Close()
	})
}

// talk sends bytes and reads as many as the answer has.
func talk(t *testing.T, conn io.ReadWriter, ask, want string) {
	t.Helper()
	if _, err := conn.Write([]byte(ask)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("% X was answered % X (%v), want % X", ask, got, err, want)
	}
}

func TestAnswers(t *testing.T) {
	p, _ := collect(t, paper.Options{})
	conn := p.Conn()
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", "\x16\x12\x12\x12")
	talk(t, conn, "\x1dr\x01\x1dr\x02", "\x00\x00")
	talk(t, conn, "\x1dI\x01\x1dI\x43", "\x20_PAPER\x00")
	talk(t, conn, "\x1d(H\x06\x0000P001", "\x37\x22P001\x00")
	talk(t, conn, "abc\x10\x04\x04\n\x1dr1", "\x12\x00")
	p.SetFaults(paper.Faults{PaperLow: true})
	talk(t, conn, "\x10\x04\x04\x1dr\x01", "\x1e\x03")
	p.SetFaults(paper.Faults{PaperOut: true})
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x04", "\x1e\x32\x7e")
	p.SetFaults(paper.Faults{CoverOpen: true})
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x04", "\x1e\x16\x12")
	// What stands in the buffer is carried out when the fault is gone.
	if _, err := conn.Write([]byte("\x1dr\x01")); err != nil {
		t.Fatal(err)
	}
	talk(t, conn, "\x10\x04\x04", "\x12")
	p.SetFaults(paper.Faults{})
	talk(t, conn, "", "\x00")
	// Automatic status: at once, and at each change.
	talk(t, conn, "\x1da\xff", "\x14\x00\x00\x0f")
	p.SetFaults(paper.Faults{CoverOpen: true, PaperOut: true})
	talk(t, conn, "", "\x3c\x00\x0f\x0f")
	p.SetFaults(paper.Faults{})
	talk(t, conn, "\x1da\x00", "\x14\x00\x00\x0f")
	// A mute printer answers nothing, later neither. The NUL is taken only once
	// the question has been.
	p.SetFaults(paper.Faults{Mute: true})
	for _, b := range []string{"\x10\x04\x01", "\x00"} {
		if _, err := conn.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	p.SetFaults(paper.Faults{})
	talk(t, conn, "\x10\x04\x04", "\x12")
	conn.Close()
}

func TestControl(t *testing.T) {
	p, _ := collect(t, paper.Options{})
	server := httptest.NewServer(p.Control())
	defer server.Close()
	call := func(method, body string) (int, string) {
		req, err := http.NewRequest(method, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, body := call("POST", `{"paper_out":true}`); code != 200 || !strings.Contains(body, `"paper_out":true`) || !p.Faults().PaperOut {
		t.Errorf("paper out: %d %s", code, body)
	}
	if code, _ := call("POST", `{"delay_ms":20}`); code != 200 || p.Faults() != (paper.Faults{PaperOut: true, DelayMS: 20}) {
		t.Errorf("delay: %d, %+v", code, p.Faults())
	}
	if code, body := call("POST", `{"traits":{"speed":50,"model":"X"}}`); code != 200 || !strings.Contains(body, `"speed":50`) || p.Traits() != (paper.Traits{Speed: 50, Model: "X"}) {
		t.Errorf("traits: %d, %+v", code, p.Traits())
	}
	for _, wrong := range []string{`{"on_fire":true}`, `{"paper_out":false,"traits":{"flow":"rtscts"}}`, `{"traits":{"buffer":-1}}`} {
		if code, body := call("POST", wrong); code != 400 || !p.Faults().PaperOut || p.Traits() != (paper.Traits{Speed: 50, Model: "X"}) {
			t.Errorf("%s: %d %s", wrong, code, body)
		}
	}
	if _, err := paper.New(paper.Options{Traits: paper.Traits{Flow: "rtscts"}}); err == nil {
		t.Error("a printer that says stop in an unknown way")
	}
	if code, _ := call("PUT", ``); code != 405 {
		t.Errorf("PUT: %d", code)
	}
	if code, _ := call("DELETE", ""); code != 200 || p.Faults() != (paper.Faults{}) {
		t.Errorf("DELETE: %d, %+v", code, p.Faults())
	}
	if code, body := call("GET", ""); code != 200 || !strings.Contains(body, `"receipts":0`) {
		t.Errorf("GET: %d %s", code, body)
	}
}

// Whatever comes, the printer prints something and ends.
func FuzzServe(f *testing.F) {
	f.Add(encode(f, receipt(), profile(f, "generic-80")))
	f.Add([]byte("\x1b@\x1dv0\x03\xff\xff\xff\xff"))
	f.Add([]byte("\x1d(k\x00\x00\x1d(k\x01\x001\x1dkI\x00\x1d(H\x00\x00\x1dk\x00"))
	f.Add([]byte("\x1dv0\x00\x00\x00\x00\x00\x1bJ\x00\x1b3\x00a\n\x1d!\xffA\xd6\xd0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := paper.New(paper.Options{})
		if err != nil {
			t.Fatal(err)
		}
		conn := p.Conn()
		go io.Copy(io.Discard, conn)
		if _, err := conn.Write(data); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		p.Close()
	})
}
