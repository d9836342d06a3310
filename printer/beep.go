package printer

// The kinds of beeper. They differ in the command; a model without one has
// BeeperNone.
const (
	BeeperNone    = "none"
	BeeperESCB    = "esc_b"       // ESC B: a convention of Chinese makers, not in Epson's manuals
	BeeperESCPara = "esc_paren_a" // ESC ( A: Epson; the buzzer is an option, in the drawer's socket
)

// Beep sounds the beeper twice. It is nil for models that are not known to take
// it: a printer that does not know a command may print its parameters.
func (p Profile) Beep() []byte {
	switch p.Beeper {
	case BeeperESCB:
		// ESC B n t (1B 42 n t): n times, t × 50 ms each (Xprinter XP-58 and Zijiang
		// ZJ-58 manuals).
		return []byte{0x1B, 0x42, 2, 3}
	case BeeperESCPara:
		// ESC ( A, function 97 (1B 28 41 03 00 61 n c): sound n, 1 is pattern A, c
		// times (Epson ESC/POS command reference). It does nothing until the buzzer is
		// enabled with Epson's utility.
		return []byte{0x1B, 0x28, 0x41, 0x03, 0x00, 0x61, 1, 2}
	}
	return nil
}
