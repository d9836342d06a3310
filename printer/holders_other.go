//go:build unix && !linux

package printer

func holders(string) []string { return nil }
