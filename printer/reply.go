package printer

// Bytes a printer sends are told apart by their fixed bits (TM-T88III
// specification, appendix G), never by what is hoped for:
//
//	GS r, GS I     0xx0xxxx   but ASB bytes 2-4 look the same
//	XON, XOFF      0x11, 0x13, anywhere
//	DLE EOT        0xx1xx10
//	ASB, 4 bytes   0xx1xx00, then three of 0xx0xxxx
//	blocks         0x37, 0x5F, 0x3D, 0x35 or 0x3B, printable bytes, 0x00
const (
	xon  = 0x11
	xoff = 0x13
)

type replyKind int

const (
	replyInOrder  replyKind = iota // GS r: everything before it has been carried out
	replyRealtime                  // DLE EOT: answered at once, proves nothing
	replyASB                       // automatic status
	replyToken                     // GS ( H fn 48: everything before it has been printed
	replyText                      // GS I 65-69: what the printer says that it is
	replyEcho                      // DLE EOT itself: a line brought it back
)

type reply struct {
	kind   replyKind
	status byte    // replyInOrder, replyRealtime
	asb    [4]byte // replyASB
	token  string  // replyToken: 4 characters
	text   string  // replyText
}

// maxBlock ends a block that never does: it is noise.
const maxBlock = 128

// replyParser finds replies in the stream. The zero value is ready.
type replyParser struct {
	block   []byte // header and data so far
	asb     [4]byte
	asbSeen int // bytes of an ASB frame so far
}

// feed takes one byte; ok tells that it completed a reply.
func (p *replyParser) feed(b byte) (r reply, ok bool) {
	if b == xon || b == xoff {
		return reply{}, false
	}
	if len(p.block) > 0 {
		if b == 0 {
			return p.endBlock()
		}
		if b >= 0x20 && b < 0x7F && len(p.block) < maxBlock {
			p.block = append(p.block, b)
			return reply{}, false
		}
		p.block = p.block[:0] // noise: b is looked at for itself
	}
	if p.asbSeen > 0 {
		if b&0x93 == 0x12 { // DLE EOT's answer does not wait for the frame's end
			return reply{kind: replyRealtime, status: b}, true
		}
		if b&0x90 == 0 {
			p.asb[p.asbSeen] = b
			p.asbSeen++
			// A fault in byte 2 of a printer that is on line by byte 1: no frame is like that.
			if p.asbSeen == 3 && p.asb[0] == 0x10 && p.asb[1] == 0x04 && 1 <= b && b <= 4 {
				p.asbSeen = 0
				return reply{kind: replyEcho}, true
			}
			if p.asbSeen < len(p.asb) {
				return reply{}, false
			}
			p.asbSeen = 0
			return reply{kind: replyASB, asb: p.asb}, true
		}
		p.asbSeen = 0
	}
	switch {
	case b == 0x37 || b == 0x5F || b == 0x3D || b == 0x35 || b == 0x3B:
		p.block = append(p.block, b)
	case b&0x93 == 0x10:
		p.asb[0], p.asbSeen = b, 1
	case b&0x93 == 0x12:
		return reply{kind: replyRealtime, status: b}, true
	case b&0x90 == 0:
		return reply{kind: replyInOrder, status: b}, true
	}
	return reply{}, false
}

// endBlock recognises the answers of GS ( H fn 48, 37 22 d1 d2 d3 d4 00, and of
// GS I 65-69, 5F text 00.
func (p *replyParser) endBlock() (reply, bool) {
	block := string(p.block)
	p.block = p.block[:0]
	if len(block) == 6 && block[0] == 0x37 && block[1] == 0x22 {
		return reply{kind: replyToken, token: block[2:]}, true
	}
	if block[0] == 0x5F {
		return reply{kind: replyText, text: block[1:]}, true
	}
	return reply{}, false
}

// asbState reads an ASB frame (GS a). Its bits lie elsewhere than DLE EOT's.
func asbState(f [4]byte) State {
	switch {
	case f[0]&0x20 != 0:
		return StateCoverOpen
	case f[2]&0x0C != 0:
		return StatePaperOut
	case f[1]&0x08 != 0:
		return StateCutter
	case f[1]&0x60 != 0: // unrecoverable, head hot
		return StateError
	case f[0]&0x08 != 0:
		return StateOffline
	case f[2]&0x03 != 0:
		return StatePaperLow
	}
	return StateReady
}

// realtimeState reads the answers to DLE EOT 1, 2, 3 and 4.
func realtimeState(printer, offline, fault, paper byte) State {
	switch {
	case offline&0x04 != 0:
		return StateCoverOpen
	case offline&0x20 != 0 || paper&0x60 != 0:
		return StatePaperOut
	case fault&0x08 != 0:
		return StateCutter
	case offline&0x40 != 0 || fault&0x60 != 0:
		return StateError
	case printer&0x08 != 0:
		return StateOffline
	case paper&0x0C != 0:
		return StatePaperLow
	}
	return StateReady
}

// paperEnd tells that an answer to GS r 1 reports the end of the paper.
func paperEnd(status byte) bool { return status&0x0C != 0 }

// What is asked of a printer.
var (
	cmdASBOff    = []byte{0x1D, 0x61, 0x00} // GS a 0: no status unasked, its bytes look like GS r's
	cmdAskPaper  = []byte{0x1D, 0x72, 0x01} // GS r 1: paper status, answered in order
	cmdAskToken  = []byte{0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30}
	cmdInitLine  = []byte{0x1B, 0x40}                                   // ESC @: only where the printer is known to be idle
	askIdentity  = func(n byte) []byte { return []byte{0x1D, 0x49, n} } // GS I n
	askRealtime  = func(n byte) []byte { return []byte{0x10, 0x04, n} } // DLE EOT n
	healthyReply = byte(0x12)                                           // DLE EOT: nothing to report
)
