package trade

import "testing"

// TestPrintMachine lists every pair of state and event.
func TestPrintMachine(t *testing.T) {
	states := []PrintState{PrintWaitingQR, PrintQueued, PrintPrinting, PrintPrinted, PrintSent, PrintUncertain, PrintHeld, PrintFailed, PrintCancelled}
	events := []PrintEvent{PaperStart, PaperPrinted, PaperSent, PaperUncertain, PaperHeld, PaperFailed, PaperCancelled}
	legal := map[PrintState]map[PrintEvent]PrintState{
		PrintWaitingQR: {PaperStart: PrintPrinting, PaperHeld: PrintHeld, PaperCancelled: PrintCancelled},
		PrintQueued:    {PaperStart: PrintPrinting, PaperHeld: PrintHeld, PaperCancelled: PrintCancelled},
		PrintHeld:      {PaperStart: PrintPrinting, PaperHeld: PrintHeld, PaperCancelled: PrintCancelled},
		PrintPrinting: {PaperPrinted: PrintPrinted, PaperSent: PrintSent, PaperUncertain: PrintUncertain, PaperHeld: PrintHeld,
			PaperFailed: PrintFailed, PaperCancelled: PrintCancelled},
	}
	for _, s := range states {
		for _, e := range events {
			want, ok := legal[s][e]
			if !ok {
				want = s
			}
			if got, moved := MovePrint(s, e); got != want || moved != ok {
				t.Errorf("%s + %s = %s, %v; want %s, %v", s, e, got, moved, want, ok)
			}
		}
	}
}
