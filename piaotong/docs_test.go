package piaotong

import (
	"os"
	"strings"
	"testing"
)

// TestPlatformPage holds docs/platform.md against the table of paths: a row for
// each key, with its number, and no path called known that has no default.
func TestPlatformPage(t *testing.T) {
	page, err := os.ReadFile("../docs/platform.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 9 && strings.HasPrefix(strings.TrimSpace(cells[1]), "2.") {
			rows[strings.Trim(cells[3], " `")] = cells
		}
	}
	for _, k := range EndpointKeys() {
		cells := rows[k.Key]
		if cells == nil {
			t.Errorf("no row for %s", k.Key)
			continue
		}
		if number := strings.TrimSpace(cells[1]); number != k.Interface {
			t.Errorf("%s is %s on the page, %s in the table", k.Key, number, k.Interface)
		}
		assumed := strings.Contains(cells[4], "assumed")
		if known := k.Default != ""; known == assumed && k.Key != "push_main" {
			t.Errorf("%s: default %q, on the page %q", k.Key, k.Default, strings.TrimSpace(cells[4]))
		}
		if _, err := os.Stat(strings.Trim(cells[7], " `")); err != nil {
			t.Errorf("%s: %v", k.Key, err)
		}
		delete(rows, k.Key)
	}
	for key := range rows {
		t.Errorf("the page has %s, the table does not", key)
	}
}
