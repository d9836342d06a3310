package receipt

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
)

// npos installs the foreign parser, once for each version of its lock file, and
// gives the folder; it skips the test where that cannot be. The lock file says
// what each package must hash to, and no script of theirs runs.
func npos(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	lock, err := os.ReadFile("testdata/npos/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.UserCacheDir()
	if err == nil {
		base = filepath.Join(base, "tillagent-tests")
		err = os.MkdirAll(base, 0o755)
	}
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, fmt.Sprintf("npos-%.8x", sha256.Sum256(lock)))
	if _, err := os.Stat(dir); err != nil {
		fresh, err := os.MkdirTemp(base, "npos")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(fresh)
		if err := os.CopyFS(fresh, os.DirFS("testdata/npos")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")
		cmd.Dir = fresh
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("npm cannot install npos: %v\n%s", err, out)
		}
		if err := os.Rename(fresh, dir); err != nil {
			if _, there := os.Stat(dir); there != nil { // nobody else was quicker
				t.Fatal(err)
			}
		}
	}
	// The script is the tree's, whatever was there when npos was installed.
	script, err := os.ReadFile("testdata/npos/read.js")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "read.js"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestR24NposReadsTheBytes has a parser that is not ours read the bytes of 30
// receipts on both widths, with codes drawn both ways: text, widest line and QR
// code are what was laid out.
func TestR24NposReadsTheBytes(t *testing.T) {
	dir := npos(t)
	jobs := t.TempDir()
	args := []string{filepath.Join(dir, "read.js")}
	for i, p := range prints(t) {
		b, _, err := printer.Encode(p.doc, p.model)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(jobs, fmt.Sprintf("%03d-%s.bin", i, p.model.Name))
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, strconv.Itoa(p.model.Columns), file)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("npos: %v\n%s", err, stderr.String())
	}
	var read []struct {
		Lines []struct {
			Text  string
			Cells int
		}
		Native   []string
		Pictures []string
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	if len(read) != len(prints(t)) {
		t.Fatalf("npos read %d jobs of %d", len(read), len(prints(t)))
	}
	var pictures, onPictures []string
	for i, p := range prints(t) {
		var lines []string
		widest := 0
		for _, l := range read[i].Lines {
			if l.Cells > 0 {
				lines = append(lines, l.Text)
			}
			widest = max(widest, l.Cells)
		}
		want := slices.DeleteFunc(strings.Split(printer.Text(p.doc, p.model), "\n"), func(line string) bool { return line == "" || isSymbol(line) })
		if !slices.Equal(lines, want) {
			t.Errorf("%s: npos reads\n%s\nlaid out\n%s", p.model.Name, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
		if widest != p.model.Columns {
			t.Errorf("%s: the widest line has %d cells of %d", p.model.Name, widest, p.model.Columns)
		}
		url := p.paper.Standing.QRs[0].URL
		switch {
		case p.model.NativeQR:
			if !slices.Equal(read[i].Native, []string{url}) || len(read[i].Pictures) > 0 {
				t.Errorf("%s: codes %q and %d pictures, want %q", p.model.Name, read[i].Native, len(read[i].Pictures), url)
			}
		case len(read[i].Pictures) != 1 || len(read[i].Native) > 0:
			t.Errorf("%s: %d pictures, codes %q", p.model.Name, len(read[i].Pictures), read[i].Native)
		default:
			pictures, onPictures = append(pictures, read[i].Pictures[0]), append(onPictures, url)
		}
	}
	if zbar, err := exec.LookPath("zbarimg"); err != nil {
		t.Log("zbarimg is not installed: the pictures were not read")
	} else if got := scan(t, zbar, pictures); !slices.Equal(got, onPictures) {
		t.Errorf("zbarimg reads %d codes of %d pictures", len(got), len(pictures))
	}
}

// scan reads the QR codes of pictures, one of each.
func scan(t *testing.T, zbar string, pictures []string) []string {
	t.Helper()
	got, err := exec.CommandContext(t.Context(), zbar, append([]string{"-q", "--raw", "-Sdisable", "-Sqrcode.enable", "-Sx-density=3", "-Sy-density=3"}, pictures...)...).Output()
	if err != nil {
		t.Errorf("zbarimg: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(got)), "\n")
}
