package queue

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestNumbersOfALostLog deletes the log of writes of a till that was killed: the
// sales in it are gone, but what was sent for them was sent.
func TestNumbersOfALostLog(t *testing.T) {
	r := open(t)
	dead := filepath.Join(t.TempDir(), "agent.db")
	if err := r.Backup(t.Context(), dead); err != nil { // as it lies on disk without its log
		t.Fatal(err)
	}
	sent := map[string]bool{}
	for n := range 50 {
		sent[r.accept(lunch(fmt.Sprint("S", n))).Standing.QRs[0].No] = true
	}
	lost := open(t, func(o *Options) { o.Path = dead })
	for n := range 50 {
		if no := lost.accept(lunch(fmt.Sprint("N", n))).Standing.QRs[0].No; sent[no] {
			t.Fatalf("number %s is minted twice", no)
		}
	}
}
