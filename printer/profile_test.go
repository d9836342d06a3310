package printer

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestR20BuiltinModels holds every built-in model against the schema: each field
// is given and says where it is from, the models that shops name are there.
func TestR20BuiltinModels(t *testing.T) {
	models, err := parseProfiles("models.toml", builtinModels, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range models {
		names = append(names, p.Name)
		if err := p.check(); err != nil {
			t.Error(err)
		}
		for _, f := range p.fields() {
			if source := p.Sources[f.key]; source == "" || source == "models.toml" {
				t.Errorf("%s: %s does not say where it is from", p.Name, f.key)
			}
		}
		if p.Cutter != (len(p.Cuts) > 0) || p.Dots > maxDots || p.MaxQRVersion == 0 || len(p.Baud) == 0 {
			t.Errorf("%s: %+v", p.Name, p)
		}
	}
	for _, name := range []string{"epson-tm", "xprinter-58", "xprinter-80", "gprinter", "rongta", "star", "generic-58", "generic-80"} {
		if !slices.Contains(names, name) {
			t.Errorf("there is no model %s", name)
		}
		if p, ok := ProfileByName(name); !ok || p.Name != name {
			t.Errorf("%s is not found", name)
		}
	}
	if _, ok := ProfileByName("typewriter"); ok {
		t.Error("a model is found that is not there")
	}
}

// TestR20EveryFieldHasAKey holds that no field of Profile is beyond the reach of
// a file.
func TestR20EveryFieldHasAKey(t *testing.T) {
	var p Profile
	reached := map[uintptr]bool{}
	for _, f := range p.fields() {
		reached[reflect.ValueOf(f.to).Pointer()] = true
	}
	v := reflect.ValueOf(&p).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch name {
		case "Name", "Sources", "Cutter": // read by themselves; Cutter follows from the cuts
			continue
		}
		if !reached[v.Field(i).Addr().Pointer()] {
			t.Errorf("no key sets %s", name)
		}
	}
}

// TestR20Described holds that the documentation lists every model and key.
func TestR20Described(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "printers.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Profiles() {
		if !strings.Contains(string(page), "| `"+p.Name+"`") {
			t.Errorf("docs/printers.md does not list %s", p.Name)
		}
		for _, f := range p.fields() {
			if !strings.Contains(string(page), "`"+f.key+"`") {
				t.Fatalf("docs/printers.md does not describe %s", f.key)
			}
		}
	}
}

func writeModels(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "models.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestR20OwnModels(t *testing.T) {
	file := writeModels(t, `
[[model]]
name = "counter-2"
base = "xprinter-80"
title = "吧台"
native_qr = false
baud = [115200]
cut = ["esc_i"]
cut_feed = 5
[model.sources]
"self-test page" = ["baud"]

[[model]]
name = "counter-3"
base = "counter-2"
columns = 42
`)
	models, err := LoadProfiles(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(models) != 2 {
		t.Fatalf("%d models", len(models))
	}
	base, _ := ProfileByName("xprinter-80")
	two, three := models[0], models[1]
	if two.NativeQR || two.Title != "吧台" || !slices.Equal(two.Baud, []int{115200}) || two.Speed != base.Speed || two.cutCommand() != CutOld {
		t.Errorf("%+v", two)
	}
	if two.Sources["baud"] != "self-test page" || two.Sources["title"] != file || two.Sources["dots"] != base.Sources["dots"] {
		t.Errorf("sources %v", two.Sources)
	}
	if three.Columns != 42 || three.CutFeed != 5 || three.Name != "counter-3" {
		t.Errorf("%+v", three)
	}
	if again, _ := ProfileByName("xprinter-80"); !reflect.DeepEqual(again, base) {
		t.Error("the base changed")
	}
	if _, _, err := Encode(receipt(), three); err != nil {
		t.Error(err)
	}
	if _, err := LoadProfiles(filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestR20WrongModels holds that every mistake names its line and its key.
func TestR20WrongModels(t *testing.T) {
	head := "[[model]]\nname = \"mine\"\nbase = \"generic-80\"\n"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", head + "dot = 3\n", []string{"models.toml:4: model.dot: 没有这个键", "no such key"}},
		{"wrong type", head + "dots = \"576\"\n", []string{":4: model.dots:", "whole number from 192 to 576"}},
		{"out of range", head + "dots = 9000\n", []string{":4: model.dots:"}},
		{"a float", head + "speed = 1.5\n", []string{":4: model.speed:"}},
		{"not a bool", head + "native_qr = 1\n", []string{":4: model.native_qr:", "true or false"}},
		{"not a list", head + "baud = 9600\n", []string{":4: model.baud:", "must be a list"}},
		{"in a list", head + "baud = [9600, 3]\n", []string{":4: model.baud:"}},
		{"unknown word", head + "raster = \"laser\"\n", []string{":4: model.raster:", "gs_v_0, esc_star"}},
		{"unknown cut", head + "cut = [\"knife\"]\n", []string{":4: model.cut:", "gs_v_66"}},
		{"two numbers", head + "cell = [12]\n", []string{":4: model.cell:", "two numbers"}},
		{"cell", head + "cell = [12, 12]\n", []string{":4: model.cell:", "only [12, 24]"}},
		{"columns beyond the paper", head + "dots = 384\n", []string{"model.columns:", "wider than 384"}},
		{"drawer pin", head + "drawer_pins = [3]\n", []string{":4: model.drawer_pins:"}},
		{"drawer voltage", head + "drawer_volts = 20\n", []string{":4: model.drawer_volts:"}},
		{"drawer pulse", head + "drawer_pulse_ms = [200, 100]\n", []string{":4: model.drawer_pulse_ms:"}},
		{"drawer pulse that spells DLE DC4", head + "drawer_pulse_ms = [32, 40]\n", []string{":4: model.drawer_pulse_ms:", "real-time"}},
		{"cut before the cutter", head + "cut = [\"gs_v_1\"]\ncut_feed = 1\n", []string{":5: model.cut_feed:", "3 mm, the cutter is at 15 mm"}},
		{"no name", "[[model]]\nbase = \"generic-80\"\n", []string{":1: model.name:"}},
		{"bad name", "[[model]]\nname = \"My Printer\"\nbase = \"generic-80\"\n", []string{":2: model.name:", "lower-case"}},
		{"taken name", "[[model]]\nname = \"star\"\nbase = \"generic-80\"\n", []string{":2: model.name:", "already"}},
		{"unknown base", "[[model]]\nname = \"mine\"\nbase = \"typewriter\"\n", []string{":3: model.base:", "typewriter"}},
		{"no base, not complete", "[[model]]\nname = \"mine\"\ndots = 384\n", []string{":1: model.columns:", ":1: model.identity:"}},
		{"unknown source key", head + "[model.sources]\n\"x\" = [\"dot\"]\n", []string{":4: model.sources:", "no key dot"}},
		{"empty sources", head + "[model.sources]\n", []string{":4: model.sources:"}},
		{"second of two", head + "\n[[model]]\nname = \"mine-2\"\nbase = \"generic-80\"\nspeed = 1\n", []string{":8: model.speed:"}},
		{"all at once", head + "dots = 1\nspeed = 1\n", []string{":4: model.dots:", ":5: model.speed:"}},
		{"syntax", head + "dots =\n", []string{"models.toml:4:", "TOML"}},
		{"something else", "[printer]\n", []string{"[[model]]"}},
		{"no table", "model = [1]\n", []string{"[[model]]"}},
		{"nothing", "", []string{"[[model]]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			models, err := LoadProfiles(writeModels(t, tt.text))
			if err == nil || models != nil {
				t.Fatalf("%d models, no error", len(models))
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q", err, want)
				}
			}
			var pe *ProfileError
			if !errors.As(err, &pe) {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func FuzzLoadProfiles(f *testing.F) {
	f.Add([]byte("[[model]]\nname = \"a\"\nbase = \"star\"\n"))
	f.Add([]byte("[model.sources]\nx = [1]\n[[model]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		models, err := parseProfiles("f", data, builtin())
		if err != nil {
			return
		}
		for _, p := range models {
			if _, _, err := Encode(receipt(), p); err != nil && p.Columns >= 32 {
				t.Errorf("a valid model cannot print: %v", err)
			}
		}
	})
}
