// Command sbom lists what programs are made of, in CycloneDX's JSON form, from
// what Go writes into each program that it builds. The same programs give the
// same bytes.
//
//	go run ./packaging/sbom -version 1.2.3 PROGRAM… > piaotong-agent.cdx.json
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// bom is the part of CycloneDX 1.5 that is used here.
type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	PURL     string    `json:"purl,omitempty"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type license struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

func main() {
	version := flag.String("version", "dev", "the product's version")
	flag.Parse()
	if err := write(os.Stdout, *version, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write lists the programs and all modules in them.
func write(w io.Writer, version string, programs []string) error {
	product := component{Type: "application", Ref: "piaotong-agent", Name: "piaotong-agent", Version: version, Licenses: make([]license, 1)}
	product.Licenses[0].License.ID = "Apache-2.0"
	b := bom{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{product}}
	modules := map[string]component{}
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, sum := filepath.Base(p), sha256.Sum256(data)
		b.Components = append(b.Components, component{Type: "file", Ref: "file:" + name, Name: name, Version: version, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}})
		std := component{Type: "library", Name: "std", Version: info.GoVersion, PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}
		std.Ref = std.PURL
		modules[std.Ref] = std
		for _, m := range info.Deps {
			c, err := library(m)
			if err != nil {
				return err
			}
			modules[c.Ref] = c
		}
	}
	libraries := make([]component, 0, len(modules))
	for _, c := range modules {
		libraries = append(libraries, c)
	}
	slices.SortFunc(libraries, func(x, y component) int { return strings.Compare(x.Ref, y.Ref) })
	b.Components = append(b.Components, libraries...)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(b)
}

// library is a module; its hash is go.sum's, which is a SHA-256 in base64 behind
// "h1:".
func library(m *debug.Module) (component, error) {
	if m.Replace != nil {
		m = m.Replace
	}
	c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version}
	c.Ref = c.PURL
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
	if err != nil {
		return c, fmt.Errorf("%s: the sum %q: %w", m.Path, m.Sum, err)
	}
	if len(sum) > 0 {
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}}
	}
	return c, nil
}
