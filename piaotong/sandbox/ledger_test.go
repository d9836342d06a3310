package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

func checkKeyFile(t *testing.T, path any, want string) {
	t.Helper()
	name, _ := path.(string)
	data, err := os.ReadFile(name)
	if err != nil || string(data) != want {
		t.Errorf("%v: %v, or another content than the account's", path, err)
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%s has rights %v", name, info.Mode())
	}
}

// TestRestart: what the platform has seen survives, keys included.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.create(t, qrNo)
	b.create(t, "SBOX000002")
	b.create(t, "SBOX000003")
	if _, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref("SBOX000002")}); err != nil {
		t.Fatal(err)
	}
	serial := b.claim(t, Claim{QRCodeNo: qrNo, BuyerName: "甲<乙>"})
	b.clock.add(time.Second)
	blue := b.state(t, serial)
	if _, err := b.client.RedFlush(t.Context(), b.red("SBOXRED0000000000001", blue.AllEleInvNo)); err != nil {
		t.Fatal(err)
	}
	pending := b.claim(t, Claim{QRCodeNo: "SBOX000003"})
	before := b.ledger(t)

	// A second process on a copy: the first one was killed, not closed.
	copied := copyDir(t, dir)
	again := newBench(t, copied)
	again.clock.add(time.Second)
	after := again.ledger(t)
	if !reflect.DeepEqual(before.Entries, after.Entries) || !reflect.DeepEqual(before.QRs, after.QRs) || !reflect.DeepEqual(before.Invoices, after.Invoices) {
		t.Errorf("before\n%+v\nafter\n%+v", before, after)
	}
	if again.Account() != b.Account() {
		t.Error("the restart made new keys")
	}
	if st := again.state(t, serial); st != movedTo(blue, again.url, serial) {
		t.Errorf("blue %+v, was %+v", st, blue)
	}
	again.clock.add(time.Second)
	for _, s := range []string{pending, "SBOXRED0000000000001"} {
		if st := again.state(t, s); st.Code != "0000" {
			t.Errorf("%s after the restart: %+v", s, st)
		}
	}
}

// movedTo is blue with the address that the second server gives.
func movedTo(blue piaotong.InvoiceState, url, serial string) piaotong.InvoiceState {
	blue.DownloadURL = url + "/i/" + serial
	return blue
}

// TestRestartOfTheUnusual: merged and split claims, partial reversals, planted
// codes; a failed reversal gives back once only.
func TestRestartOfTheUnusual(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.SetIssueDelay(0)
	for i := range 4 {
		b.create(t, fmt.Sprintf("SBOX%06d", i))
	}
	if err := b.PlantQR("SBOX000009", "OTHER", "58.50"); err != nil {
		t.Fatal(err)
	}
	merged, err := b.ClaimMerged(ClaimMerged{QRCodeNos: []string{"SBOX000000", "SBOX000001"}, BuyerName: "甲公司"})
	if err != nil {
		t.Fatal(err)
	}
	b.claim(t, Claim{QRCodeNo: "SBOX000002", Split: 3})
	hand := b.claim(t, Claim{QRCodeNo: "SBOX000003"})
	blue := b.state(t, merged).AllEleInvNo
	for i, o := range []Outcome{Issued, Failed, Auth} {
		if err := b.SetRedOutcome(o); err != nil {
			t.Fatal(err)
		}
		red := b.lines(fmt.Sprintf("SBOXRED%013d", i), blue, milk("", "-13.33"))
		red.DefinedData = "x"
		if _, err := b.client.RedFlushLines(t.Context(), red); err != nil {
			t.Fatal(err)
		}
		b.ledger(t) // settles it
	}
	if err := b.Settle("SBOXRED0000000000001", Failed); err != nil { // once more
		t.Fatal(err)
	}
	if err := b.RedByHand(hand); err != nil {
		t.Fatal(err)
	}
	before, err := b.client.InitRed(t.Context(), b.blueRef(blue))
	if err != nil || before.Lines[0].RemainAmount != "11.80" || before.Lines[0].RemainTax != "1.54" {
		t.Errorf("%+v, %v", before, err)
	}
	again := newBench(t, copyDir(t, dir))
	after, err := again.client.InitRed(t.Context(), again.blueRef(blue))
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("before\n%+v\nafter\n%+v, %v", before, after, err)
	}
	l1, l2 := b.ledger(t), again.ledger(t)
	if !reflect.DeepEqual(l1.Entries, l2.Entries) || !reflect.DeepEqual(l1.QRs, l2.QRs) || !reflect.DeepEqual(l1.Invoices, l2.Invoices) {
		t.Errorf("before\n%+v\nafter\n%+v", l1, l2)
	}
}

// TestDirectoryIsLocked: two sandboxes would overwrite each other's ledger.
func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.create(t, qrNo)
	if s, err := New(Options{Dir: dir}); !errors.Is(err, ErrDirInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v, %v", s, err)
	}
	if n := len(b.ledger(t).QRs); n != 1 {
		t.Errorf("%d codes", n)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(newBench(t, dir).ledger(t).QRs); n != 1 {
		t.Errorf("%d codes after Close", n)
	}
	// A start that fails lets go, too.
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, keysFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := New(Options{Dir: other}); err == nil || errors.Is(err, ErrDirInUse) {
			t.Error(err)
		}
	}
}

func copyDir(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestTornLedger(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.create(t, "SBOX000001")
	b.create(t, "SBOX000002")
	whole, err := os.ReadFile(filepath.Join(dir, ledgerName))
	if err != nil {
		t.Fatal(err)
	}
	first := strings.Index(string(whole), "\n") + 1

	for name, tc := range map[string]struct {
		ledger string
		codes  int // -1 = must be refused
	}{
		"empty":                  {"", 0},
		"whole":                  {string(whole), 2},
		"without the line's end": {string(whole[:len(whole)-1]), 1},
		"half a line":            {string(whole[:first+20]), 1},
		"zeros at the end":       {string(whole[:first]) + strings.Repeat("\x00", 50), 1},
		"zeros with an end":      {string(whole[:first]) + strings.Repeat("\x00", 50) + "\n", 1},
		"damage in the middle":   {"{" + string(whole), -1},
		"unknown kind":           {`{"seq":1,"kind":"nonsense"}` + "\n", -1},
		"impossible entry":       {`{"seq":1,"kind":"qr_voided","qrcode_no":"X"}` + "\n", -1},
		"claim of nothing":       {`{"seq":1,"kind":"claimed","qrcode_no":"X"}` + "\n", -1},
		"red of nothing":         {`{"seq":1,"kind":"red_requested","blue_req_serial_no":"X"}` + "\n", -1},
	} {
		t.Run(name, func(t *testing.T) {
			to := copyDir(t, dir)
			if err := os.WriteFile(filepath.Join(to, ledgerName), []byte(tc.ledger), 0o600); err != nil {
				t.Fatal(err)
			}
			if tc.codes < 0 {
				if s, err := New(Options{Dir: to}); err == nil {
					s.Close()
					t.Error("opened")
				}
				return
			}
			again := newBench(t, to)
			if n := len(again.ledger(t).QRs); n != tc.codes {
				t.Fatalf("%d codes, want %d", n, tc.codes)
			}
			if kept, err := os.ReadFile(filepath.Join(to, ledgerName)); err != nil || !strings.HasPrefix(string(whole), string(kept)) {
				t.Errorf("the torn line was not cut away: %q, %v", kept, err)
			}
			// It goes on in the right place, and can be read once more.
			again.create(t, "SBOX000009")
			if n := len(newBench(t, copyDir(t, to)).ledger(t).QRs); n != tc.codes+1 {
				t.Errorf("%d codes after one more, want %d", n, tc.codes+1)
			}
		})
	}
}

func TestReset(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	b.create(t, qrNo)
	if err := b.Reset(); err != nil {
		t.Fatal(err)
	}
	if l := b.ledger(t); len(l.Entries) != 0 || len(l.QRs) != 0 || len(l.Calls) != 0 {
		t.Errorf("%+v", l)
	}
	b.create(t, qrNo) // the number is free again
	if n := len(newBench(t, copyDir(t, dir)).ledger(t).Entries); n != 1 {
		t.Errorf("%d entries on disk", n)
	}
}

func TestDamagedKeys(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"{", `{"partner_private_pem":"x"}`} {
		if err := os.WriteFile(filepath.Join(dir, keysFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Dir: dir}); err == nil {
			t.Errorf("opened with %s", content)
		}
	}
}
