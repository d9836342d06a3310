package printer

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.bin and *.txt")

func TestGolden(t *testing.T) {
	fsSize := profile(t, "generic-80")
	fsSize.ChineseSize = true
	tests := []struct {
		name string
		doc  Doc
		p    Profile
	}{
		{"receipt-80-native", receipt(), profile(t, "generic-80")},
		{"receipt-58-raster", receipt(), profile(t, "generic-58")},
		{"receipt-epson", receipt(), profile(t, "epson-tm")},
		{"everything-80", everything(), profile(t, "generic-80")},
		{"chinese-size", Doc{Line{Text: "大字 Big", Size: SizeBig}, Line{Text: "小字"}}, fsSize},
		{"after-raw", Doc{Line{Text: "前", Align: AlignCenter, Bold: true}, Raw("\x1b@\x1ba\x02raw\n"), Raw("x\n"), Line{Text: "后", Bold: true}}, profile(t, "generic-80")},
		{"drawer", Doc{Drawer{}, Drawer{Pin: 5}}, profile(t, "generic-80")},
		{"sizes", sizesDoc(), profile(t, "generic-80")},
		{"sizes-fs", sizesDoc(), fsSize},
		{"cut-feeding", cutDoc(), profile(t, "rongta")},
		{"cut-here", cutDoc(), cutBy(t, CutHere)},
		{"cut-old", cutDoc(), cutBy(t, CutOld)},
		{"cut-none", cutDoc(), profile(t, "xprinter-58")},
		{"image-columns", Doc{Image{gradient(100, 40)}}, columnsRaster(t)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, warnings, err := Encode(tt.doc, tt.p)
			if err != nil || len(warnings) > 0 {
				t.Fatalf("error %v, warnings %v", err, warnings)
			}
			file := filepath.Join("testdata", tt.name)
			if *update {
				if err := os.WriteFile(file+".bin", got, 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file+".txt", []byte(dump(got)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file + ".bin")
			if err != nil {
				t.Fatal(err)
			}
			readable, err := os.ReadFile(file + ".txt")
			if err != nil || string(readable) != dump(want) {
				t.Errorf("%s.txt does not show %s.bin (%v)", file, file, err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("bytes differ from %s.bin; got\n%s\nwant\n%s", file, dump(got), dump(want))
			}
		})
	}
}

// TestR24GoldenFiles holds that there is a readable dump for each golden file,
// and nothing else.
func TestR24GoldenFiles(t *testing.T) {
	bins, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(bins) == 0 {
		t.Fatalf("%d golden files, %v", len(bins), err)
	}
	for _, bin := range bins {
		b, err := os.ReadFile(bin)
		if err != nil {
			t.Fatal(err)
		}
		readable, err := os.ReadFile(strings.TrimSuffix(bin, ".bin") + ".txt")
		if err != nil || string(readable) != dump(b) {
			t.Errorf("%s has no dump that shows it (%v)", bin, err)
		}
	}
	if all, err := filepath.Glob("testdata/*.*"); err != nil || len(all) != 2*len(bins) {
		t.Errorf("%d files for %d golden ones, %v", len(all), len(bins), err)
	}
}

func sizesDoc() Doc {
	var d Doc
	for _, s := range []Size{SizeNormal, SizeWide, SizeTall, SizeBig, SizeNormal} {
		d = append(d, Line{Text: "大小 size", Size: s})
	}
	return d
}

func cutDoc() Doc { return Doc{Line{Text: "a"}, Cut{}, Line{Text: "b"}, Cut{Full: true}} }

func cutBy(t *testing.T, c CutCommand) Profile {
	p := profile(t, "generic-80")
	p.Cuts = []CutCommand{c}
	return p
}

func columnsRaster(t *testing.T) Profile {
	p := profile(t, "generic-58")
	p.Raster = RasterColumns
	return p
}

// A large character takes the cells of two.
func TestR17LargeTextWraps(t *testing.T) {
	text := strings.Repeat("宽", p80.Columns/2)
	for size, want := range map[Size]int{SizeNormal: 1, SizeTall: 1, SizeWide: 2, SizeBig: 2} {
		b, _, err := Encode(Doc{Line{Text: text, Size: size}}, p80)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(b, []byte("\n")); lines != want {
			t.Errorf("size %d: %d lines, want %d", size, lines, want)
		}
	}
}
