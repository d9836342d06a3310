package printer

import (
	"fmt"
	"strings"
	"testing"
)

// replies parses a stream and names what was found.
func replies(stream []byte) string {
	var p replyParser
	var found []string
	for _, b := range stream {
		r, ok := p.feed(b)
		if !ok {
			continue
		}
		switch r.kind {
		case replyInOrder:
			found = append(found, fmt.Sprintf("GSr %02X", r.status))
		case replyRealtime:
			found = append(found, fmt.Sprintf("EOT %02X", r.status))
		case replyASB:
			found = append(found, fmt.Sprintf("ASB %X %s", r.asb, asbState(r.asb)))
		case replyToken:
			found = append(found, "token "+r.token)
		case replyText:
			found = append(found, "text "+r.text)
		case replyEcho:
			found = append(found, "echo")
		}
	}
	return strings.Join(found, ", ")
}

func TestR07Replies(t *testing.T) {
	tests := []struct{ name, stream, want string }{
		{"GS r, paper there", "\x00", "GSr 00"},
		{"GS r, near end", "\x03", "GSr 03"},
		{"GS r, a clone's paper end", "\x0F", "GSr 0F"},
		{"DLE EOT", "\x12\x16\x1E\x72", "EOT 12, EOT 16, EOT 1E, EOT 72"},
		{"XOFF and XON", "\x13\x11", ""},
		// The frames that a parser who hopes for GS r takes for four answers.
		{"ASB offline, cover open, paper end", "\x38\x00\x0C\x0F", "ASB 38000C0F cover_open"},
		{"ASB healthy", "\x10\x00\x00\x0F", "ASB 1000000F ready"},
		{"ASB healthy, drawer", "\x14\x00\x00\x0F", "ASB 1400000F ready"},
		{"ASB paper end", "\x18\x00\x0C\x00", "ASB 18000C00 paper_out"},
		{"ASB cutter", "\x18\x08\x00\x00", "ASB 18080000 cutter"},
		{"ASB offline", "\x18\x00\x00\x00", "ASB 18000000 offline"},
		{"ASB near end", "\x10\x00\x03\x00", "ASB 10000300 paper_low"},
		{"XOFF within ASB, then GS r", "\x38\x00\x13\x0C\x0F\x00", "ASB 38000C0F cover_open, GSr 00"},
		{"two frames", "\x10\x00\x00\x0F\x38\x00\x0C\x0F", "ASB 1000000F ready, ASB 38000C0F cover_open"},
		{"DLE EOT within a frame", "\x10\x00\x12\x00\x0F\x00", "EOT 12, ASB 1000000F ready, GSr 00"},
		{"DLE EOT come back, and answered", "\x10\x04\x01\x16\x10\x12\x04\x04\x00", "echo, EOT 16, EOT 12, echo, GSr 00"},
		{"token", "\x37\x22P001\x00", "token P001"},
		{"token with XOFF and XON", "\x37\x13\x22P0\x1101\x00", "token P001"},
		{"token of digits that look like answers", "\x37\x222222\x00\x00", "token 2222, GSr 00"},
		{"QR size block", "\x37\x36ab\x00", ""},
		{"GS I text", "\x5FTM-\x13T88III\x00\x12", "text TM-T88III, EOT 12"},
		{"noise before an answer", "\x37\x16", "EOT 16"},
		{"noise within a frame", "\x38\x00\x80\x00", "GSr 00"},
		{"high bits", "\x80\xFF\x92", ""},
	}
	for _, tt := range tests {
		if got := replies([]byte(tt.stream)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	endless := "\x5F" + strings.Repeat("x", 1000)
	if got := replies([]byte(endless + "\x00\x16")); !strings.HasSuffix(got, "EOT 16") {
		t.Errorf("after an endless block: %q", got)
	}
}

func TestR11RealtimeState(t *testing.T) {
	tests := []struct {
		printer, offline, fault, paper byte
		want                           State
	}{
		{0x16, 0x12, 0x12, 0x12, StateReady},
		{0x12, 0x12, 0x12, 0x1E, StatePaperLow},
		{0x1E, 0x32, 0x12, 0x7E, StatePaperOut},
		{0x16, 0x12, 0x12, 0x72, StatePaperOut},
		{0x1E, 0x16, 0x12, 0x12, StateCoverOpen},
		{0x1E, 0x36, 0x12, 0x72, StateCoverOpen},
		{0x1E, 0x52, 0x12, 0x12, StateError},
		{0x1E, 0x52, 0x1A, 0x12, StateCutter},
		{0x1E, 0x52, 0x52, 0x12, StateError},
		{0x1E, 0x12, 0x12, 0x12, StateOffline},
	}
	for _, tt := range tests {
		if got := realtimeState(tt.printer, tt.offline, tt.fault, tt.paper); got != tt.want {
			t.Errorf("%02X %02X %02X %02X: %s, want %s", tt.printer, tt.offline, tt.fault, tt.paper, got, tt.want)
		}
	}
}

func FuzzReplies(f *testing.F) {
	f.Add([]byte("\x38\x00\x13\x0C\x0F\x00\x37\x22P001\x00\x16"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var p replyParser
		for _, b := range stream {
			r, ok := p.feed(b)
			if !ok {
				continue
			}
			switch {
			case b == xon || b == xoff:
				t.Errorf("flow control completed %+v", r)
			case r.kind == replyInOrder && b&0x90 != 0:
				t.Errorf("%02X was taken for an answer to GS r", b)
			case r.kind == replyRealtime && b&0x93 != 0x12:
				t.Errorf("%02X was taken for an answer to DLE EOT", b)
			case r.kind == replyToken && len(r.token) != 4:
				t.Errorf("token %q", r.token)
			}
			if len(p.block) > maxBlock {
				t.Fatal("a block grows for ever")
			}
		}
	})
}
