package printer

// Beep is ESC B n t (1B 42 n t), which sounds the beeper n times for t × 50 ms:
// a convention of Chinese makers that Epson's manuals do not have. It is nil for
// models that are not known to take it.
func (p Profile) Beep() []byte {
	if p.Beeper != "esc_b" {
		return nil
	}
	return []byte{0x1B, 0x42, 2, 3}
}
