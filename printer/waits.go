package printer

import "time"

// The waits of a conversation with a printer. Those within a job are shorter
// where the device's time-out is.
const (
	answerWait  = time.Second            // for DLE EOT, which is answered at once
	silentWait  = 100 * time.Millisecond // for the same of a printer that has never answered: an idle one needs 20 at 9600 baud
	quietWait   = 500 * time.Millisecond // for an answer that may still be owed
	lateWait    = 5 * time.Second        // for more of the answers that a broken-off job still owes: what a window takes at 50 mm/s, twice
	pollEvery   = time.Second            // between questions while a job prints
	probeWait   = 3 * time.Second        // for the first GS r of a printer that may not know it
	repeatWait  = 5 * time.Second        // for an answer of a printer that is well, before it is asked once more
	confirmWait = 60 * time.Second       // for the proof, however busy the printer is
)

func (s *session) answerWait() time.Duration { return min(answerWait, s.d.timeout/2) }
func (s *session) quietWait() time.Duration  { return min(quietWait, s.d.timeout/4) }
func (s *session) pollEvery() time.Duration  { return min(pollEvery, s.d.timeout/4) }
