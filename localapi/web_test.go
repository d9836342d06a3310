package localapi

import (
	"encoding/json"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"tillagent/queue"
	"tillagent/trade"
)

// TestPages: the console and the display are served to anybody, with a policy
// that lets them reach nothing but this server, and tell nothing by themselves.
func TestPages(t *testing.T) {
	x := newTill(t)
	types := map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
	files := 0
	err := fs.WalkDir(web, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		path := "/" + name
		switch name {
		case "console/index.html":
			path = "/"
		case "display/index.html":
			path = "/display"
		}
		a := x.get(path, without("Authorization")).want(t, 200, "")
		if got := a.header.Get("Content-Type"); got != types[name[strings.LastIndexByte(name, '.')+1:]] {
			t.Errorf("%s has the type %q", path, got)
		}
		if got := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; script-src 'self'; ") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: policy %q", path, got)
		}
		for _, outside := range []string{"<script>", "style=\"", "onclick=", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "document.cookie"} {
			if strings.Contains(string(a.body), outside) {
				t.Errorf("%s has %s", path, outside)
			}
		}
		if got := regexp.MustCompile(`(https?:)?//[a-z0-9]`).Find(a.body); strings.HasSuffix(path, "html") && got != nil {
			t.Errorf("%s reaches %s", path, got)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
	for _, path := range []string{"/console/none.js", "/console/..%2Fweb.go", "/console/..%2F..%2Fgo.mod", "/display/..%2Fconsole%2Fconsole.js", "/console/console.js%00"} {
		x.get(path, without("Authorization")).want(t, 404, trade.ErrNotFound)
	}
}

func TestLogs(t *testing.T) {
	var asked int
	fails := false
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Logs = func(lines int) ([]json.RawMessage, error) {
			if asked = lines; fails {
				return nil, errors.New("the disk is gone")
			}
			return []json.RawMessage{[]byte(`{"time":"2026-11-22T19:30:05+08:00","level":"INFO","msg":"sale accepted","sale":"S1"}` + "\n")}, nil
		}
	})
	console := as(consoleSecret)
	a := x.get("/v1/logs", console).want(t, 200, "")
	var got struct{ Lines []map[string]string }
	if err := json.Unmarshal(a.body, &got); err != nil || len(got.Lines) != 1 || got.Lines[0]["sale"] != "S1" || asked != 200 {
		t.Errorf("%v, %d lines asked for: %s", err, asked, a.body)
	}
	x.get("/v1/logs?lines=7", console).want(t, 200, "")
	if asked != 7 {
		t.Errorf("%d lines asked for", asked)
	}
	for _, bad := range []string{"lines=0", "lines=1001", "lines=x", "line=5"} {
		x.get("/v1/logs?"+bad, console).want(t, 422, trade.ErrValidation)
	}
	fails = true
	x.get("/v1/logs", console).want(t, 500, trade.ErrInternal)
}
