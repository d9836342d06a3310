package queue

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/trade"
)

// yesterday is a till with sales in every state from which something would be
// sent or printed, and a copy of its database.
func yesterday(t *testing.T) (r *rig, backup string) {
	t.Helper()
	r = open(t, func(o *Options) { o.TillCode = "T1R5A" })
	back := trade.RefundRequest{Reason: trade.SalesReturn, Print: trade.PrintWish{Mode: trade.PrintReceipt, Copies: 1}}

	r.accept(lunch("void")) // on the platform and on paper, then refunded: its code is to be voided
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	back.ID, back.SaleID = "R-void", "void"
	if _, _, err := r.AcceptRefund(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	r.accept(lunch("red")) // invoiced, then refunded: its red invoice is to be asked for
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331, Number: "1", At: r.clock.Now()})
	back.ID, back.SaleID = "R-red", "red"
	if _, _, err := r.AcceptRefund(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	r.accept(lunch("done")) // at rest for now
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	r.accept(lunch("new")) // its code is to be fetched, its receipt waits for it

	backup = filepath.Join(t.TempDir(), "backup.db")
	if err := r.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	return r, backup
}

func (r *rig) restore(from string) *Restored {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	got, err := Restore(r.t.Context(), r.opts, from)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

// TestR18RestoreSendsNothingTwice is R18: whatever the copy was about to send or
// print may have been sent and printed since.
func TestR18RestoreSendsNothingTwice(t *testing.T) {
	r, backup := yesterday(t)
	// What happened after the copy, and is lost with the database.
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	number := c.Record.Standing.QRs[0].No
	r.settle(c, r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	minted := map[string]bool{}
	for i := range 20 {
		minted[r.accept(lunch(fmt.Sprintf("lost-%d", i))).Standing.QRs[0].No] = true
	}

	got := r.restore(backup)
	if got.Sales != 4 || !got.Newest.Equal(r.clock.Now()) || got.Till != "T1R5A" || got.Epoch != 1 || got.Asked != 3 || got.Prints != 3 {
		t.Errorf("%+v, want 4 sales in epoch 1, of which 3 are asked about, and 3 prints uncertain", got)
	}
	if report := whole(t, got.MovedTo); report.Sales != 24 {
		t.Errorf("moved aside with %d sales, want all 24", report.Sales)
	}
	whole(t, r.opts.Path)
	r.again()
	for id, want := range map[string]trade.OpKind{"new": trade.OpQueryQR, "void": trade.OpQueryQR, "red": trade.OpQueryInvoice, "done": trade.OpQueryQR} {
		rec, err := r.Sale(t.Context(), id)
		if err != nil || rec.Op == nil || rec.Op.Kind != want || rec.Op.Changing() {
			t.Errorf("%s needs %+v next, %v; want the question %s", id, rec.Op, err, want)
		}
		for _, p := range rec.Prints {
			if p.State != trade.PrintPrinted && p.State != trade.PrintUncertain {
				t.Errorf("the paper %s is %s", p.JobID, p.State)
			}
		}
	}
	r.clock.add(time.Hour)
	r.noPrint()

	// The platform knows the code: nothing is made again, and nothing printed.
	r.nothingDue(trade.LaneLive)
	q := r.claim(trade.LaneBacklog, trade.OpQueryQR)
	if q.Record.Standing.QRs[0].No != number {
		t.Errorf("asked about %s, want %s", q.Record.Standing.QRs[0].No, number)
	}
	r.settle(q, trade.QRSeen{URL: "https://example.com/q", At: r.clock.Now()})
	r.noPrint()
	if rec, err := r.Sale(t.Context(), "new"); err != nil || rec.Standing.View() != trade.StateQRReady {
		t.Errorf("%+v, %v", rec, err)
	}
	for i := range 20 {
		if no := r.accept(lunch(fmt.Sprintf("lost-%d", i))).Standing.QRs[0].No; minted[no] || no[9] != '1' {
			t.Errorf("number %s: want one of epoch 1 that was never minted", no)
		}
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

// TestRestoreSendsWhatThePlatformDoesNotKnow is the other half: the question
// decides, and the same number is sent.
func TestRestoreSendsWhatThePlatformDoesNotKnow(t *testing.T) {
	r, backup := yesterday(t)
	r.restore(backup)
	r.again()
	q := r.claim(trade.LaneLive, trade.OpQueryQR)
	r.settle(q, trade.QRMissing{})
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	if c.Record.Standing.QRs[0].No != q.Record.Standing.QRs[0].No {
		t.Error("another number is sent")
	}
}

func TestEveryRestoreStartsAnEpoch(t *testing.T) {
	r, backup := yesterday(t)
	seen := map[string]bool{r.accept(lunch("A")).Standing.QRs[0].No: true}
	for epoch := 1; epoch <= 3; epoch++ { // the same old copy each time
		if got := r.restore(backup); got.Epoch != epoch {
			t.Fatalf("restore %d starts epoch %d", epoch, got.Epoch)
		}
		if epoch == 2 { // and once without the file that remembers them: the database itself does
			if err := os.Remove(epochPath(r.opts.Path)); err != nil {
				t.Fatal(err)
			}
		}
		r.again()
		no := r.accept(lunch("A")).Standing.QRs[0].No
		if seen[no] {
			t.Errorf("%s was minted before", no)
		}
		seen[no] = true
		r.clock.add(time.Minute) // the databases moved aside get names of their own
	}
	aside, err := filepath.Glob(r.opts.Path + ".before-restore-*")
	if dbs := len(aside); err != nil || dbs < 3 {
		t.Errorf("moved aside: %q, %v; want all three databases", aside, err)
	}
}

func TestRestoreWithNoEpochLeft(t *testing.T) {
	r, backup := yesterday(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (epochs{"T1R5A": lastEpoch}).write(r.opts.Path); err != nil {
		t.Fatal(err)
	}
	var over *EpochsUsedUpError
	if _, err := Restore(t.Context(), r.opts, backup); !errors.As(err, &over) || !strings.Contains(over.Error(), "till_code") {
		t.Fatalf("%v, want the advice to take another till code", err)
	}
	r.again() // untouched
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.opts.TillCode = "T1R5B"
	if got := r.restore(backup); got.Till != "T1R5B" || got.Epoch != 0 {
		t.Errorf("with the advice followed: %+v", got)
	}
}

func TestRestoreRefusesWhatIsNotFit(t *testing.T) {
	r, backup := yesterday(t)
	synctest.Test(t, func(t *testing.T) { // waits for the lock in no time
		if _, err := Restore(t.Context(), r.opts, backup); !errors.Is(err, ErrInUse) {
			t.Errorf("under a running agent: %v", err)
		}
	})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(r.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good)
	copy(damaged[5*4096:], bytes.Repeat([]byte{0xa5}, 4096))
	for name, data := range map[string][]byte{"page": damaged, "cut": good[:len(good)/2], "text": []byte(strings.Repeat("not a database\n", 100))} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var unfit *UnfitError
		if _, err := Restore(t.Context(), r.opts, file); !errors.As(err, &unfit) || unfit.Path != file {
			t.Errorf("%s: %v, want an UnfitError", name, err)
		}
	}
	for check, change := range map[string]string{CheckJournal: "UPDATE journal SET state = 'x' WHERE seq = 4", CheckOpen: "PRAGMA user_version = 99"} {
		file := tampered(t, change)
		var unfit *UnfitError
		if _, err := Restore(t.Context(), r.opts, file); !errors.As(err, &unfit) || unfit.Why[0].Check != check {
			t.Errorf("%s: %v, want an UnfitError", check, err)
		}
	}
	for name, file := range map[string]string{"missing": filepath.Join(t.TempDir(), "no such.db"), "itself": r.opts.Path} {
		if _, err := Restore(t.Context(), r.opts, file); err == nil {
			t.Errorf("%s was restored", name)
		}
	}
	after, err := os.ReadFile(r.opts.Path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was touched (%v)", err)
	}
	for _, name := range names(t, filepath.Dir(r.opts.Path)) {
		if strings.Contains(name, "restor") || strings.Contains(name, "part") {
			t.Errorf("left behind: %s", name)
		}
	}
}

func TestRestoreAfterDamage(t *testing.T) {
	r, backup := yesterday(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.opts.Path, []byte(strings.Repeat("scrap ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if _, err := Open(r.opts); !errors.As(err, &damaged) {
		t.Fatal(err)
	}
	if got := r.restore(backup); got.MovedTo != "" || got.Epoch != 1 {
		t.Errorf("%+v, want nothing left to move and epoch 1", got)
	}
	r.again()
	if !exists(damaged.MovedTo) {
		t.Error("the damaged database is gone")
	}
}

// TestRestoreBrokenOff cuts the power between the two renames.
func TestRestoreBrokenOff(t *testing.T) {
	r, backup := yesterday(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (marker{At: r.clock.Now(), Reason: ReasonRestore}).write(r.opts.Path); err != nil {
		t.Fatal(err)
	}
	aside, err := moveAside(r.opts.Path, "before-restore", r.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	var broken *DamagedError
	if _, err := Open(r.opts); !errors.As(err, &broken) || broken.Reason != ReasonRestore || exists(r.opts.Path) {
		t.Fatalf("%v, want a refusal and no new database", err)
	}
	if got := r.restore(backup); got.Epoch != 1 || !exists(aside) {
		t.Errorf("%+v", got)
	}
	r.again()
}

func TestRestoreOfAnEarlierVersion(t *testing.T) {
	for _, path := range savedDatabases(t) {
		r := closed(t, 1)
		r.restore(path)
		r.again()
		if rec, err := r.Sale(t.Context(), "A2"); err != nil || rec.Standing.QRs[0].State != trade.QRUnknown {
			t.Errorf("%s: %+v, %v", path, rec, err)
		}
		whole(t, r.opts.Path)
	}
}

// TestRestoreAsksAboutEveryRedInvoice restores a refund that reverses two invoices:
// either may have been reversed since the copy was made.
func TestRestoreAsksAboutEveryRedInvoice(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	now := r.clock.Now()
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 1850}, {Serial: "P2", Amount: 4000}}, At: now})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 1745, Tax: 105, At: now})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P2", State: trade.InvIssued, Net: 3774, Tax: 226, At: now})
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "copy.db")
	if err := r.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	r.restore(backup)
	r.again()
	rec, err := r.Sale(t.Context(), "S1")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range rec.Standing.Invoices {
		if i.Kind == trade.Red && i.State != trade.InvUnknown {
			t.Errorf("red invoice %s is %s, want it asked about first", i.Serial, i.State)
		}
	}
}
