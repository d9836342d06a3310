package trade

import (
	"errors"
	"math/big"
	"testing"
)

func TestParseMoney(t *testing.T) {
	good := map[string]Money{
		"0": 0, "0.00": 0, "58.50": 5850, "58.5": 5850, "58": 5800, "-1.50": -150, "-0.01": -1,
		"99999999.99": MaxInvoiced, "999999999999.99": MaxMoney,
	}
	for text, want := range good {
		if got, err := ParseMoney(text); err != nil || got != want {
			t.Errorf("ParseMoney(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	bad := map[string]error{
		"": ErrNumber, "-": ErrNumber, "1e2": ErrNumber, "NaN": ErrNumber, "+1": ErrNumber, ".5": ErrNumber, "5.": ErrNumber,
		"01": ErrNumber, " 1": ErrNumber, "1,000": ErrNumber, "0x1": ErrNumber, "1.2.3": ErrNumber, "１": ErrNumber,
		"12.345": ErrDecimals, "1000000000000": ErrRange,
	}
	for text, want := range bad {
		if got, err := ParseMoney(text); !errors.Is(err, want) {
			t.Errorf("ParseMoney(%q) = %d, %v; want error %v", text, got, err, want)
		}
	}
}

func TestMoneyString(t *testing.T) {
	for m, want := range map[Money]string{0: "0.00", 1: "0.01", -1: "-0.01", 5850: "58.50", -10000: "-100.00"} {
		if got := m.String(); got != want {
			t.Errorf("Money(%d).String() = %q, want %q", m, got, want)
		}
	}
}

func TestDecimalTimes(t *testing.T) {
	for _, c := range []struct {
		price, quantity string
		want            Money
	}{
		{"30.00", "2", 6000}, {"33.33333333", "3", 10000}, {"0.005", "1", 1}, {"0.00499999", "1", 0},
		{"99999999.99999999", "1", 10_000_000_000}, {"12.5", "0.333", 416},
	} {
		p, err := ParseDecimal(c.price)
		q, err2 := ParseDecimal(c.quantity)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := p.Times(q); got != c.want {
			t.Errorf("%s × %s = %s, want %s", c.price, c.quantity, got, c.want)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	good := map[string]Decimal{"": 0, "0": 0, "2": 2_0000_0000, "0.00000001": 1, "99999999.99999999": 9_999_999_999_999_999, "1.50": 1_5000_0000, "-1": -1_0000_0000}
	for text, want := range good {
		var got Decimal
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q gives %d, %v; want %d", text, got, err, want)
		}
	}
	bad := map[string]error{"": ErrNumber, "1e1": ErrNumber, "01": ErrNumber, "1,5": ErrNumber, "0.000000001": ErrDecimals, "100000000": ErrRange}
	for text, want := range bad {
		if got, err := ParseDecimal(text); !errors.Is(err, want) {
			t.Errorf("ParseDecimal(%q) = %d, %v; want error %v", text, got, err, want)
		}
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]Rate{"0.13": 13, "0.06": 6, "0.060": 6, "0": 0, "0.00": 0, "0.01": 1} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0.17", "0.015", "6", "6%", "13", "-0.06", "1", "0."} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %d, want an error", text, got)
		}
	}
	if got := Rate(9).TaxWithin(10000); got != 826 {
		t.Errorf("tax within 100.00 at 9 %% = %s, want 8.26", got)
	}
	if got := Rate(9).TaxWithin(-10000); got != -826 {
		t.Errorf("tax within -100.00 at 9 %% = %s, want -8.26", got)
	}
	// 58.50 at once would have 3.31 in it: the invoice rounds 3.396 and -0.085.
	if got := (Line{Amount: 6000, Discount: -150, Rate: 6}).Tax(); got != 332 {
		t.Errorf("tax of 60.00 less 1.50 at 6 %% = %s, want 3.32", got)
	}
}

// FuzzParseMoney holds the parser against exact rational arithmetic.
func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"58.50", "-0.01", "1e2", "99999999.99", "0.1.", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMoney(text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("ParseMoney(%q) = %s, but it is no number", text, m)
		}
		if got := big.NewRat(int64(m), 100); got.Cmp(want) != 0 {
			t.Fatalf("ParseMoney(%q) = %s", text, m)
		}
		if again, err := ParseMoney(m.String()); err != nil || again != m {
			t.Fatalf("%s read again gives %s, %v", m, again, err)
		}
	})
}
