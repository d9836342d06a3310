package trade

// ReceiptPrinter is the name of the printer for receipts, slips and refunds, and
// of whatever names no other.
const ReceiptPrinter = "receipt"

// PrintState is where a print job stands, in the words of the local API.
type PrintState string

// The states of a print job.
const (
	PrintWaitingQR PrintState = "waiting_qr" // waits for news of the QR code or the refund, at most until it is due
	PrintQueued    PrintState = "queued"
	PrintPrinting  PrintState = "printing"  // stored before the first byte leaves
	PrintPrinted   PrintState = "printed"   // the printer confirmed it
	PrintSent      PrintState = "sent"      // every byte was taken by a printer that cannot answer
	PrintUncertain PrintState = "uncertain" // bytes went out, no proof; never repeated by itself
	PrintHeld      PrintState = "held"      // no byte left; goes on by itself when the cause is gone
	PrintFailed    PrintState = "failed"    // it cannot be laid out; a person
	PrintCancelled PrintState = "cancelled"
)

// PrintEvent is what happens to a print job.
type PrintEvent string

// The events of a print job.
const (
	PaperStart     PrintEvent = "start"     // claimed by the print loop
	PaperPrinted   PrintEvent = "printed"   // confirmed
	PaperSent      PrintEvent = "sent"      // taken, unconfirmed by nature
	PaperUncertain PrintEvent = "uncertain" // broken off, or the agent died
	PaperHeld      PrintEvent = "held"      // surely nothing left
	PaperFailed    PrintEvent = "failed"
	PaperCancelled PrintEvent = "cancelled" // there is nothing left to print
)

// MovePrint is the print machine: the state after an event, or false where
// the event makes no sense.
func MovePrint(s PrintState, e PrintEvent) (PrintState, bool) {
	switch s {
	case PrintWaitingQR, PrintQueued, PrintHeld:
		switch e {
		case PaperStart:
			return PrintPrinting, true
		case PaperCancelled:
			return PrintCancelled, true
		case PaperHeld: // its printer is not in the configuration any more
			return PrintHeld, true
		}
	case PrintPrinting:
		switch e {
		case PaperPrinted:
			return PrintPrinted, true
		case PaperSent:
			return PrintSent, true
		case PaperUncertain:
			return PrintUncertain, true
		case PaperHeld:
			return PrintHeld, true
		case PaperFailed:
			return PrintFailed, true
		case PaperCancelled:
			return PrintCancelled, true
		}
	}
	return s, false
}

// Paper is what a print job puts on paper.
type Paper string

// The kinds of paper.
const (
	PaperReceipt Paper = "receipt" // the sale's receipt, with its QR code where there is one
	PaperSlip    Paper = "slip"    // the QR code alone, for a receipt that has none
	PaperRefund  Paper = "refund"  // the receipt of a refund
	PaperPOS     Paper = "pos"     // what the POS laid out by itself, for no sale
	PaperTicket  Paper = "ticket"  // what a sale asks of the kitchen: without prices
)

// Mark says how a second piece of paper is told from the first.
type Mark string

// The marks.
const (
	MarkNone    Mark = ""
	MarkReprint Mark = "reprint" // *** 重打 第N次 ***
	MarkCutOff  Mark = "cut_off" // *** 补打:前张可能不完整 ***
)
