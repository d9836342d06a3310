package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
)

func TestUpdate(t *testing.T) {
	lang = "en"
	i := install1(t)
	i.start()
	r := newRelease(t, "2.0.0", "2.0.0")
	r.write()
	served := httptest.NewServer(http.FileServer(http.Dir(r.dir)))
	defer served.Close()
	var out bytes.Buffer
	u := i.updater(r.key, &out)
	if got, err := u.run(t.Context(), served.URL+"/release.json", true); err != nil || *got != (updateResult{"1.0.0", "2.0.0", true, false}) {
		t.Fatalf("check: %+v %v", got, err)
	}
	i.has("1.0.0")
	got, err := u.run(t.Context(), served.URL+"/release.json", false)
	if err != nil || *got != (updateResult{"1.0.0", "2.0.0", true, true}) {
		t.Fatalf("%+v %v\n%s%s", got, err, &out, &i.manager.words)
	}
	i.serves("2.0.0", "S1")
	i.has("2.0.0")
	if !strings.Contains(out.String(), "the service is ready, version 2.0.0") {
		t.Errorf("it says %s", &out)
	}
	for _, left := range []string{u.savedDir(), filepath.Join(i.data, stageDir), i.program + ".part"} {
		if there, err := fileExists(left); there || err != nil {
			t.Errorf("%s is left: %v", left, err)
		}
	}
	u.version = "2.0.0"
	if _, err := u.run(t.Context(), r.write(), false); err == nil || !strings.Contains(err.Error(), "not newer than 2.0.0") {
		t.Errorf("the same again: %v", err)
	}
}

// TestUpdateGoesBack has releases that are signed and do not work.
func TestUpdateGoesBack(t *testing.T) {
	lang = "en"
	for _, program := range []string{"ends", "migrates", "1.0.0"} { // the last serves, and is not the version that it should be
		t.Run(program, func(t *testing.T) {
			i := install1(t)
			i.start()
			r := newRelease(t, "2.0.0", program)
			var out bytes.Buffer
			u := i.updater(r.key, &out)
			got, err := u.run(t.Context(), r.write(), false)
			if err == nil || !strings.Contains(err.Error(), "version 1.0.0 is back and serves") || got.Updated ||
				program == "1.0.0" && !strings.Contains(err.Error(), "what serves is version 1.0.0, not 2.0.0") {
				t.Fatalf("%+v %v\n%s", got, err, &i.manager.words)
			}
			i.has("1.0.0")
			i.serves("1.0.0", "S1")
			for _, left := range []string{u.savedDir(), filepath.Join(i.data, stageDir)} {
				if there, err := fileExists(left); there || err != nil {
					t.Errorf("%s is left: %v", left, err)
				}
			}
		})
	}
}

// badReleases are refused before anything is touched.
var badReleases = []struct {
	name   string
	before func(t *testing.T, r *release) // it is signed
	after  func(t *testing.T, r *release)
	want   string
}{
	{name: "another key", before: func(t *testing.T, r *release) { _, r.key, _ = ed25519.GenerateKey(nil) }, want: "signature is wrong"},
	{name: "manifest changed", after: func(t *testing.T, r *release) { r.flip("release.json") }, want: "signature is wrong"},
	{name: "signature changed", after: func(t *testing.T, r *release) { r.flip("release.json.sig") }, want: "signature is wrong"},
	{name: "signature cut", after: func(t *testing.T, r *release) { r.file("release.json.sig", []byte("short")) }, want: "signature is wrong"},
	{name: "no signature", after: func(t *testing.T, r *release) {
		if err := os.Remove(filepath.Join(r.dir, "release.json.sig")); err != nil {
			t.Fatal(err)
		}
	}, want: "release.json.sig"},
	{name: "manifest too long", after: func(t *testing.T, r *release) { r.file("release.json", make([]byte, mostManifest+1)) }, want: "more than 65536 bytes"},
	{name: "archive changed", after: func(t *testing.T, r *release) { r.flip(r.name) }, want: "it was changed"},
	{name: "archive cut", after: func(t *testing.T, r *release) { r.file(r.name, r.archive[:len(r.archive)/2]) }, want: "was cut off"},
	{name: "archive longer", after: func(t *testing.T, r *release) { r.file(r.name, append(r.archive, 0)) }, want: "not as long as the manifest says"},
	{name: "archive too large", before: func(t *testing.T, r *release) { r.describe(func(f *releaseFile) { f.Size = mostArchive + 1 }) }, want: "will not do: 104857601 bytes"},
	{name: "archive empty", before: func(t *testing.T, r *release) { r.describe(func(f *releaseFile) { f.Size = 0 }) }, want: "will not do: 0 bytes"},
	{name: "no hash", before: func(t *testing.T, r *release) { r.describe(func(f *releaseFile) { f.SHA256 = "" }) }, want: "no SHA-256"},
	{name: "name leads elsewhere", before: func(t *testing.T, r *release) {
		r.describe(func(f *releaseFile) { f.Name = "../" + f.Name })
	}, want: "name of the file will not do"},
	{name: "name is absolute", before: func(t *testing.T, r *release) {
		r.describe(func(f *releaseFile) { f.Name = filepath.Join(r.dir, f.Name) })
	}, want: "name of the file will not do"},
	{name: "of another kind", before: func(t *testing.T, r *release) { r.describe(func(f *releaseFile) { f.Name = "agent.exe" }) }, want: "name of the file will not do"},
	{name: "older", before: func(t *testing.T, r *release) { r.manifest.Version = "0.9.9" }, want: "0.9.9 is not newer than 1.0.0"},
	{name: "the same", before: func(t *testing.T, r *release) { r.manifest.Version = "v1.0.0" }, want: "v1.0.0 is not newer than 1.0.0"},
	{name: "no version", before: func(t *testing.T, r *release) { r.manifest.Version = "latest" }, want: "has no version"},
	{name: "too far", before: func(t *testing.T, r *release) { r.manifest.MinVersion = "1.5.0" }, want: "update to 1.5.0 first"},
	{name: "min_version is none", before: func(t *testing.T, r *release) { r.manifest.MinVersion = "old" }, want: "min_version is none"},
	{name: "another product", before: func(t *testing.T, r *release) { r.manifest.Product = "other" }, want: `a release of "other"`},
	{name: "not for this platform", before: func(t *testing.T, r *release) {
		r.manifest.Files = map[string]releaseFile{"plan9/mips": r.manifest.Files[thisPlatform]}
	}, want: "no program for " + thisPlatform},
	{name: "program for another platform", before: func(t *testing.T, r *release) {
		data, err := os.ReadFile(built(t, "ends"))
		if err != nil {
			t.Fatal(err)
		}
		other := strings.Repeat("x", len(runtime.GOARCH))
		data = bytes.ReplaceAll(data, []byte("GOARCH="+runtime.GOARCH), []byte("GOARCH="+other))
		r.pack(tarGZ(t, packed{name: releasedName(runtime.GOOS), data: data}))
	}, want: "in the archive is for " + runtime.GOOS + "/xx"},
	{name: "no program in it", before: func(t *testing.T, r *release) {
		r.pack(tarGZ(t, packed{name: "README.md", data: []byte("read me")}))
	}, want: "the archive has no piaotong-agent"},
	{name: "two programs in it", before: func(t *testing.T, r *release) {
		p := releasedName(runtime.GOOS)
		r.pack(tarGZ(t, packed{name: p, data: []byte("1")}, packed{name: "a/" + p, data: []byte("2")}))
	}, want: "more than one piaotong-agent"},
	{name: "it is no program", before: func(t *testing.T, r *release) {
		r.pack(tarGZ(t, packed{name: releasedName(runtime.GOOS), data: []byte("#!/bin/sh\n")}))
	}, want: "cannot be read"},
	{name: "link in it", before: func(t *testing.T, r *release) {
		r.pack(tarGZ(t, packed{name: releasedName(runtime.GOOS), link: "/bin/sh"}))
	}, want: "not a plain file"},
	{name: "leads up", before: func(t *testing.T, r *release) {
		r.pack(tarGZ(t, packed{name: "../../etc/passwd", data: []byte("x")}))
	}, want: "not safe"},
	{name: "leads to the root", before: func(t *testing.T, r *release) {
		r.pack(tarGZ(t, packed{name: "/etc/passwd", data: []byte("x")}))
	}, want: "not safe"},
	{name: "leads up on Windows", before: func(t *testing.T, r *release) {
		r.pack(tarGZ(t, packed{name: `..\x`, data: []byte("x")}))
	}, want: "not safe"},
	{name: "zip leads up", before: func(t *testing.T, r *release) {
		r.name = "a.zip"
		r.pack(zipped(t, packed{name: "../x", data: []byte("x")}))
	}, want: "not safe"},
	{name: "no zip", before: func(t *testing.T, r *release) {
		r.name = "a.zip"
		r.pack([]byte("no zip"))
	}, want: "not a valid zip file"},
}

func TestUpdateRefuses(t *testing.T) {
	lang = "en"
	i := install1(t)
	i.start()
	before, err := i.manager.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	untouched := func(t *testing.T) {
		t.Helper()
		i.has("1.0.0")
		if now, err := i.manager.State(t.Context()); err != nil || now != before {
			t.Errorf("the service was %+v, is %+v %v", before, now, err)
		}
		for _, left := range []string{i.program + ".upgrade", filepath.Join(i.data, stageDir)} {
			if there, err := fileExists(left); there || err != nil {
				t.Errorf("%s is left: %v", left, err)
			}
		}
	}
	for _, tc := range badReleases {
		t.Run(tc.name, func(t *testing.T) {
			r := newRelease(t, "2.0.0", "ends")
			key := r.key
			if tc.before != nil {
				tc.before(t, r)
			}
			from := r.write()
			if tc.after != nil {
				tc.after(t, r)
			}
			var out bytes.Buffer
			if _, err := i.updater(key, &out).run(t.Context(), from, false); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("it says %v, want %q", err, tc.want)
			}
			untouched(t)
		})
	}

	r := newRelease(t, "2.0.0", "ends")
	from := r.write()
	var out bytes.Buffer
	t.Run("no keys", func(t *testing.T) {
		u := i.updater(r.key, &out)
		u.cfg.Update.Keys = nil
		if _, err := u.run(t.Context(), from, false); err == nil || !strings.Contains(err.Error(), "updates are switched off") {
			t.Errorf("it says %v", err)
		}
		untouched(t)
	})
	t.Run("download is cut", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if !strings.HasSuffix(q.URL.Path, ".gz") {
				http.ServeFile(w, q, filepath.Join(r.dir, filepath.Base(q.URL.Path)))
				return
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(r.archive)))
			_, _ = w.Write(r.archive[:len(r.archive)/2]) // and hangs up
		}))
		defer s.Close()
		if _, err := i.updater(r.key, &out).run(t.Context(), s.URL+"/release.json", false); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
			t.Errorf("it says %v", err)
		}
		untouched(t)
	})
	t.Run("led to plain http", func(t *testing.T) {
		s := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/release.json", http.StatusFound))
		defer s.Close()
		if _, err := i.updater(r.key, &out).run(t.Context(), s.URL+"/release.json", false); err == nil || !strings.Contains(err.Error(), "only https") {
			t.Errorf("it says %v", err)
		}
		untouched(t)
	})
	t.Run("not there", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		if _, err := i.updater(r.key, &out).run(t.Context(), s.URL+"/release.json", false); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("it says %v", err)
		}
		untouched(t)
	})
	for _, from := range []string{"http://releases.example.cn/release.json", "ftp://127.0.0.1/release.json", "https:///release.json", "http://127.0.0.1.example.cn/release.json"} {
		if _, err := i.updater(r.key, &out).run(t.Context(), from, false); err == nil || !strings.Contains(err.Error(), "only https") {
			t.Errorf("%s: %v", from, err)
		}
	}
	i.serves("1.0.0", "S1")
}

// TestUpdateWaitsForWhatIsUnderWay marks a call of the platform as under way.
func TestUpdateWaitsForWhatIsUnderWay(t *testing.T) {
	lang = "en"
	i := install1(t)
	i.start()
	r := newRelease(t, "2.0.0", "2.0.0")
	mark := func(state string) {
		t.Helper()
		if err := withDatabase(filepath.Join(i.data, "agent.db"), "mode=rw", markAll(state)); err != nil {
			t.Fatal(err)
		}
	}
	mark("claimed")
	var out bytes.Buffer
	u := i.updater(r.key, &out)
	u.wait = 50 * time.Millisecond
	if _, err := u.run(t.Context(), r.write(), false); err == nil || !strings.Contains(err.Error(), "something under way (1 calls of the platform)") {
		t.Errorf("it says %v", err)
	}
	i.has("1.0.0")
	if there, err := fileExists(filepath.Join(i.data, stageDir)); there || err != nil {
		t.Errorf("what was fetched is left: %v", err)
	}
	mark("ready")
	if _, err := u.run(t.Context(), r.write(), false); err != nil {
		t.Errorf("when it is done: %v", err)
	}
	i.serves("2.0.0", "S1")
}

// TestUpdateThatCannotBeSaved: the service that was stopped for it runs again.
func TestUpdateThatCannotBeSaved(t *testing.T) {
	lang = "en"
	i := install1(t)
	i.start()
	r := newRelease(t, "2.0.0", "2.0.0")
	var out bytes.Buffer
	u := i.updater(r.key, &out)
	if err := os.MkdirAll(filepath.Join(u.savedDir(), "of somebody else"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := u.run(t.Context(), r.write(), false); err == nil || !strings.Contains(err.Error(), "nothing was changed") || got.Updated {
		t.Errorf("%+v %v", got, err)
	}
	i.has("1.0.0")
	i.serves("1.0.0", "S1")
}

// TestUpdateBrokenOff ends an update after the program was changed, by a power
// cut, and finishes it by another.
func TestUpdateBrokenOff(t *testing.T) {
	lang = "en"
	i := install1(t)
	var out bytes.Buffer
	r := newRelease(t, "3.0.0", "2.0.0")
	u := i.updater(r.key, &out)
	i.saved = u.savedDir()
	i.save()
	i.put("2.0.0")
	if _, err := u.run(t.Context(), r.write(), false); err != nil || !strings.Contains(out.String(), "an earlier update was broken off") {
		t.Fatalf("%v\n%s", err, &out)
	}
	i.serves("2.0.0", "S1")
	if there, err := fileExists(i.saved); there || err != nil {
		t.Errorf("what was saved is left: %v", err)
	}
}

func TestUpdateMake(t *testing.T) {
	r := newRelease(t, "2.0.0", "2.0.0")
	archive := filepath.Join(r.dir, r.name)
	r.file(r.name, r.archive)
	der, err := x509.MarshalPKCS8PrivateKey(r.key)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(r.dir, "key.pem")
	r.file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	code, said, errs := command(t, "", nil, "update", "make", "--key", key, "--version", "2.0.0", "--min-version", "1.0.0", archive)
	public, err := publicLine(r.key)
	if code != 0 || err != nil || !strings.Contains(said, public) {
		t.Fatalf("%d %s %s %v", code, said, errs, err)
	}
	manifest := filepath.Join(r.dir, "release.json")

	// The command itself takes it, and a tool that is not ours.
	conf := filepath.Join(r.dir, "config.toml")
	r.file("config.toml", fmt.Appendf(nil, "data_dir = %q\n[update]\nkeys = [%q]\n", r.dir, public))
	code, said, errs = command(t, "", nil, "update", "--config", conf, "--from", manifest, "--check", "--json")
	var got updateResult
	if err := json.Unmarshal([]byte(said), &got); code != 0 || err != nil || got.Version != "2.0.0" || got.Updated {
		t.Errorf("%d %s %s", code, said, errs)
	}
	if tool, err := exec.LookPath("openssl"); err == nil {
		r.file("public.pem", []byte("-----BEGIN PUBLIC KEY-----\n"+public+"\n-----END PUBLIC KEY-----\n"))
		if out, err := exec.Command(tool, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", filepath.Join(r.dir, "public.pem"), "-sigfile", manifest+sigSuffix, "-in", manifest).CombinedOutput(); err != nil {
			t.Errorf("openssl: %v %s", err, out)
		}
	}

	elsewhere := filepath.Join(r.dir, "piaotong-agent-2.0.0-windows-mips.zip")
	r.file(filepath.Base(elsewhere), zipped(t, packed{name: "piaotong-agent.exe", data: []byte("MZ")}))
	nameless := filepath.Join(r.dir, "agent.tar.gz")
	r.file("agent.tar.gz", r.archive)
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--key", key, "--version", "2.0.0"}, 2, "ARCHIVE"},
		{[]string{"--version", "2.0.0", archive}, 2, "--key"},
		{[]string{"--key", key, archive}, 2, "--version"},
		{[]string{"--key", key, "--version", "newest", archive}, 1, "has no version"},
		{[]string{"--key", archive, "--version", "2.0.0", archive}, 1, "no PEM file"},
		{[]string{"--key", key, "--version", "2.0.0", nameless}, 1, "its name has no platform"},
		{[]string{"--key", key, "--version", "2.0.0", elsewhere}, 1, "cannot be read"},
		{[]string{"--key", key, "--version", "2.0.0", archive, archive}, 1, "has two archives"},
	} {
		if code, _, errs := command(t, "", nil, append([]string{"update", "make"}, tc.args...)...); code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("%v: exit status %d: %s", tc.args, code, errs)
		}
	}
}

func TestUpdateCommand(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "data_dir = %q\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, "", nil, "update", "--config", conf); code != 2 {
		t.Errorf("without --from: exit status %d: %s", code, errs)
	}
	if code, _, errs := command(t, "", nil, "update", "--config", conf, "--from", filepath.Join(dir, "release.json")); code != 1 || !strings.Contains(errs, "updates are switched off") {
		t.Errorf("without keys: exit status %d: %s", code, errs)
	}
}

func TestUpdateKeysOfTheBuild(t *testing.T) {
	defer func(was string) { updateKeys = was }(updateKeys)
	a, b := newRelease(t, "2.0.0", "ends").key, newRelease(t, "2.0.0", "ends").key
	lineA, errA := publicLine(a)
	lineB, errB := publicLine(b)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	updateKeys = lineA
	cfg := config.Default()
	cfg.Update.Keys = []string{lineB}
	keys, err := trustedKeys(cfg)
	if err != nil || len(keys) != 2 || !keys[0].Equal(a.Public()) || !keys[1].Equal(b.Public()) {
		t.Errorf("%v %v", keys, err)
	}
	updateKeys = "nonsense"
	if _, err := trustedKeys(cfg); err == nil {
		t.Error("a key that is none is taken")
	}
}
