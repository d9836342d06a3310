package printer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// dump shows bytes for a reader: one command or stretch of text to a line.
func dump(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		name, n := nextCommand(b)
		switch name {
		case "LF":
			out.WriteString("LF\n")
		case "text":
			text, _ := simplifiedchinese.GB18030.NewDecoder().Bytes(b[:n])
			fmt.Fprintf(&out, "text   %s\n", text)
		default:
			fmt.Fprintf(&out, "%-6s % X", name, b[:min(n, 40)])
			if n > 40 {
				fmt.Fprintf(&out, " … %d bytes", n)
			}
			out.WriteByte('\n')
		}
		b = b[n:]
	}
	return out.String()
}

func TestInsertBeforeCut(t *testing.T) {
	const picture = "\x1dv0\x00\x02\x00\x02\x00\x1dV\x00\x1b" // four bytes of dots that spell GS V 0
	tests := []struct {
		name, raw, want string
	}{
		{"before the cut", "\x1b@a\n\x1dVB\x00", "\x1b@a\n<>\x1dVB\x00"},
		{"feeds to the cutter stay behind", "a\n\n\n\x1bd\x05\x1dV\x00", "a\n<>\n\n\x1bd\x05\x1dV\x00"},
		{"an unended line is ended", "a\x1bd\x05\x1dV\x01", "a\n<>\x1bd\x05\x1dV\x01"},
		{"the final cut", "a\n\x1dV\x00b\n\x1dV\x00", "a\n\x1dV\x00b\n<>\x1dV\x00"},
		{"ESC i", "a\n\x1bi", "a\n<>\x1bi"},
		{"ESC m", "a\n\x1bm\x1bp\x00\x19\xfa", "a\n<>\x1bm\x1bp\x00\x19\xfa"},
		{"no cut", "a\nb\n\n", "a\nb\n\n<>"},
		{"no cut, no line end", "a", "a\n<>"},
		{"nothing", "", "<>"},
		{"a cut alone", "\x1dV\x00", "<>\x1dV\x00"},
		{"a cut within a picture is none", picture + "\n\x1dV\x01", picture + "<>\n\x1dV\x01"},
		{"a cut within a picture alone", picture, picture + "<>"},
		{"a cut within a barcode is none", "\x1dk\x49\x05{B\x1dV0\n", "\x1dk\x49\x05{B\x1dV0\n<>"},
		{"a barcode ended by NUL", "\x1dk\x04ABC\x00\x1dV\x00", "\x1dk\x04ABC\x00<>\x1dV\x00"},
		{"a cut within QR data is none", "\x1d(k\x06\x001P0\x1dV\x00\x1bm", "\x1d(k\x06\x001P0\x1dV\x00<>\x1bm"},
		{"bit image columns", "\x1b*\x21\x01\x00\x1dV\x00\x1bJ\x18\x1bi", "\x1b*\x21\x01\x00\x1dV\x00\n<>\x1bJ\x18\x1bi"},
		{"tabs", "\x1bD\x08\x10\x00a\n\x1bi", "\x1bD\x08\x10\x00a\n<>\x1bi"},
		{"own characters", "\x1b&\x03AB\x01\x1dV\x00\x00a\n\x1bi", "\x1b&\x03AB\x01\x1dV\x00\x00a\n<>\x1bi"},
		{"stored picture", "\x1cq\x01\x01\x00\x01\x00\x1dV\x00\x1dV\x00\x1dV\na\n\x1bm", "\x1cq\x01\x01\x00\x01\x00\x1dV\x00\x1dV\x00\x1dV\na\n<>\x1bm"},
		{"Chinese holds no command", "\x1c&\xd6\xd0\xb9\xfa\n\x1dV\x00", "\x1c&\xd6\xd0\xb9\xfa\n<>\x1dV\x00"},
		{"modes between text and cut", "a\n\x1ba\x00\x1b!\x00\x1dVA\x10", "a\n<>\x1ba\x00\x1b!\x00\x1dVA\x10"},
		{"cut off in a command", "a\n\x1dv0\x00\xff\xff", "a\n\x1dv0\x00\xff\xff<>"},
		{"half a command", "a\n\x1b", "a\n\x1b\n<>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := InsertBeforeCut([]byte(tt.raw), []byte("<>")); string(got) != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestEncodeWithin(t *testing.T) {
	b, _, err := EncodeWithin(Doc{Line{Text: "开票"}}, profile(t, "generic-80"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, cmdInit) {
		t.Error("a block within a job holds ESC @")
	}
	for _, mode := range []string{"\x1c&", "\x1cS\x00\x00", "\x1bR\x00", "\x1ba\x00", "\x1d!\x00", "\x1bE\x00", "\x1b!\x00", "\x1dB\x00", "\x1b2"} {
		if at := bytes.Index(b, []byte(mode)); at < 0 || at > bytes.Index(b, []byte("\xbf\xaa")) {
			t.Errorf("% X does not stand before the text", mode)
		}
	}
}

// Whatever comes from a POS, the block is put in whole and nothing is lost.
func FuzzInsertBeforeCut(f *testing.F) {
	f.Add([]byte("\x1b@a\n\x1dVB\x00"))
	f.Add([]byte("\x1b&\xff\x00\xff\x1cq\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		block := []byte("\x00<block>\x00")
		got := InsertBeforeCut(raw, block)
		before, after, found := bytes.Cut(got, block)
		if !found {
			t.Fatal("the block is not there")
		}
		if joined := append(bytes.Clone(before), after...); !bytes.Equal(joined, raw) && !bytes.Equal(append(bytes.TrimSuffix(bytes.Clone(before), []byte("\n")), after...), raw) {
			t.Errorf("% X became % X", raw, got)
		}
	})
}
