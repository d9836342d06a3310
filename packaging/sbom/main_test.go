package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestWrite(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if err := write(&one, "1.2.3", []string{program}); err != nil {
		t.Fatal(err)
	}
	if err := write(&two, "1.2.3", []string{program}); err != nil || one.String() != two.String() {
		t.Errorf("the second time is another: %v", err)
	}
	var got bom
	if err := json.Unmarshal(one.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got.Format != "CycloneDX" || got.Metadata.Component.Version != "1.2.3" || len(got.Components) < 2 ||
		got.Components[0].Name != filepath.Base(program) || got.Components[0].Hashes[0].Content != hex.EncodeToString(sum[:]) || got.Components[1].Version != runtime.Version() {
		t.Errorf("%s", &one)
	}
	if err := write(&one, "1", []string{"main.go"}); err == nil {
		t.Error("a text is taken for a program")
	}
}

func TestLibrary(t *testing.T) {
	c, err := library(&debug.Module{Path: "example.com/a", Version: "v1.0.0", Sum: "h1:AQI="})
	if err != nil || c.PURL != "pkg:golang/example.com/a@v1.0.0" || c.Hashes[0].Content != "0102" {
		t.Errorf("%+v %v", c, err)
	}
	c, err = library(&debug.Module{Path: "example.com/a", Replace: &debug.Module{Path: "example.com/b", Version: "v2.0.0"}})
	if err != nil || c.Name != "example.com/b" || len(c.Hashes) > 0 {
		t.Errorf("replaced: %+v %v", c, err)
	}
	if _, err := library(&debug.Module{Path: "example.com/a", Sum: "h1:?"}); err == nil {
		t.Error("a sum that is none is taken")
	}
}
