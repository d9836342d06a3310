package printer

// asking commands make a printer answer, or set it up to.
var asking = map[string]bool{
	"DLE \x04": true, "DLE \x05": true, // DLE EOT n, DLE ENQ n
	"GS r": true, "GS a": true, "GS I": true, "GS g": true,
	"ESC v": true, "ESC u": true, // what GS r was before, its answer looks the same
}

// Quiet takes out of a job of other origin what makes the printer answer: its
// answers would be taken for those to the agent's own questions, which prove that
// a job is printed. GS ( H and DLE DC4 7 go for the same reason; DLE DC4 2, which
// switches the printer off, and DLE DC4 8, which clears its buffers, because they
// throw away what stands before them. What looks like such a command within a
// picture stays.
func Quiet(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		name, n := nextCommand(raw)
		if !asking[name] && !unwanted(name, raw) {
			out = append(out, raw[:n]...)
		}
		raw = raw[n:]
	}
	return out
}

// unwanted says of a command that raw begins with whether Quiet takes it out for
// its function, the third byte.
func unwanted(name string, raw []byte) bool {
	if len(raw) < 3 {
		return false
	}
	switch function := raw[2]; name {
	case "GS (":
		return function == 'H'
	case "DLE \x14":
		return function == 2 || function == 7 || function == 8
	}
	return false
}
