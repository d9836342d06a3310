package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
)

// packed is one entry of an archive.
type packed struct {
	name string
	data []byte
	link string // what a symbolic link leads to
}

func tarGZ(t testing.TB, entries ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	g, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(g)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o755, Size: int64(len(e.data)), Typeflag: tar.TypeReg}
		if e.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		} else if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, entries ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err == nil {
			_, err = f.Write(e.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// release is a release in a folder, signed by key when it is written.
type release struct {
	t        *testing.T
	dir      string
	key      ed25519.PrivateKey
	manifest manifest
	archive  []byte
	name     string // of the archive
}

const thisPlatform = runtime.GOOS + "/" + runtime.GOARCH

// newRelease packs one of builds as a version.
func newRelease(t *testing.T, version, program string) *release {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &release{t: t, dir: t.TempDir(), key: key, name: fmt.Sprintf("piaotong-agent-%s-%s-%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)}
	r.manifest = manifest{Product: product, Version: version, Files: map[string]releaseFile{}}
	r.pack(slices.Clone(archiveOf(t, program)))
	return r
}

// archives are those that were packed before: it takes its time.
var archives = map[string][]byte{}

// archiveOf packs one of builds as releases have it.
func archiveOf(t *testing.T, program string) []byte {
	t.Helper()
	if archives[program] == nil {
		data, err := os.ReadFile(built(t, program))
		if err != nil {
			t.Fatal(err)
		}
		archives[program] = tarGZ(t, packed{name: "piaotong-agent/"}, packed{name: "piaotong-agent/README.md", data: []byte("read me")},
			packed{name: "piaotong-agent/completions/" + releasedName(runtime.GOOS), data: []byte("# for shells")},
			packed{name: "piaotong-agent/" + releasedName(runtime.GOOS), data: data})
	}
	return archives[program]
}

// pack takes an archive and describes it.
func (r *release) pack(archive []byte) {
	sum := sha256.Sum256(archive)
	r.archive = archive
	r.manifest.Files[thisPlatform] = releaseFile{Name: r.name, Size: int64(len(archive)), SHA256: hex.EncodeToString(sum[:])}
}

// describe changes what the manifest says of the archive.
func (r *release) describe(change func(*releaseFile)) {
	f := r.manifest.Files[thisPlatform]
	change(&f)
	r.manifest.Files[thisPlatform] = f
}

// write writes and signs the release, and gives its manifest's file.
func (r *release) write() string {
	r.t.Helper()
	text, err := json.Marshal(r.manifest)
	if err != nil {
		r.t.Fatal(err)
	}
	r.file("release.json", text)
	r.file("release.json.sig", ed25519.Sign(r.key, text))
	r.file(r.name, r.archive)
	return filepath.Join(r.dir, "release.json")
}

func (r *release) file(name string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// flip changes one bit in the middle of a file.
func (r *release) flip(name string) {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	r.file(name, data)
}

// updater updates what is installed to releases of a key.
func (i *installed) updater(key ed25519.PrivateKey, out *bytes.Buffer) *updater {
	i.t.Helper()
	public, err := publicLine(key)
	if err != nil {
		i.t.Fatal(err)
	}
	cfg, err := config.Load(i.config, []string{"AGENT_UPDATE_KEYS=" + public})
	if err != nil {
		i.t.Fatal(err)
	}
	return &updater{cfg: cfg, config: i.config, program: i.program, version: "1.0.0", wait: time.Second, within: time.Minute, steady: 100 * time.Millisecond,
		every: 10 * time.Millisecond, out: out, service: i.manager}
}
