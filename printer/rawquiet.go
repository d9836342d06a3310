package printer

// asking commands make a printer answer, or set it up to.
var asking = map[string]bool{
	"DLE \x04": true, "DLE \x05": true, // DLE EOT n, DLE ENQ n
	"GS r": true, "GS a": true, "GS I": true, "GS g": true,
	"ESC v": true, "ESC u": true, // what GS r was before, its answer looks the same
}

// Quiet takes out of a job of other origin what makes the printer answer: its
// answers would be taken for those to the agent's own questions, which prove that
// a job is printed. GS ( H goes for the same reason. What looks like such a
// command within a picture stays.
func Quiet(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		name, n := nextCommand(raw)
		if processID := name == "GS (" && len(raw) > 2 && raw[2] == 'H'; !processID && !asking[name] {
			out = append(out, raw[:n]...)
		}
		raw = raw[n:]
	}
	return out
}
