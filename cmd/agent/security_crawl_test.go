package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// crawl asks for everything that the API describes, and compares what is
// stored before and after.
func (f *fortress) crawl() {
	doc := f.want(f.ask("GET", "/v1/openapi.yaml", "", f.bearer("console")), 200)
	path, gets := "", []string{}
	for line := range strings.Lines(doc.body) {
		if m := regexp.MustCompile(`^  (/[^ :]*):\s*$`).FindStringSubmatch(line); m != nil {
			path = m[1]
		}
		if strings.TrimRight(line, "\r\n ") == "    get:" {
			gets = append(gets, path)
		}
	}
	if len(gets) < 15 {
		f.t.Fatalf("only %d calls are described: %v", len(gets), gets)
	}
	// The agent goes on with its own work meanwhile, which changes something now
	// and then. What looking changes, it changes every time.
	changed := ""
	for range 3 {
		before := f.stored()
		f.lookAtAll(gets)
		after := f.stored()
		if after == before {
			return
		}
		changed = firstDifference(before, after)
	}
	f.t.Errorf("looking changes what is stored:\n%s", changed)
}

// lookAtAll makes the calls of the paths, with ids that there are and one that
// is none.
func (f *fortress) lookAtAll(paths []string) {
	f.t.Helper()
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	for _, path := range paths {
		ids := []string{"S1", "I1", "R1", "sale:S1", "1", "none"}
		if !parameter.MatchString(path) {
			ids = ids[:1]
		}
		for _, id := range ids {
			for _, method := range []string{"GET", "HEAD"} {
				f.look(method, parameter.ReplaceAllString(path, id))
			}
		}
	}
}

// look makes a call and gives it up after a moment: a stream has no end.
func (f *fortress) look(method, path string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.pos.url+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.tokens["console"])
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusInternalServerError {
		f.t.Errorf("%s %s: %d %s %v", method, path, resp.StatusCode, body, err)
	}
	f.answers = append(f.answers, seen{what: method + " " + path, status: resp.StatusCode, header: resp.Header, body: string(body)})
}

// caches are rows of the table meta that looking may renew: when the database
// was last found writable, and the platform's list of accounts.
const caches = "'checked_at', 'accounts'"

// stored is everything in the database.
func (f *fortress) stored() string {
	f.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(f.pos.data, "agent.db")+"?_pragma=query_only(1)")
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	column := func(query string) (all []string) {
		rows, err := db.Query(query)
		if err != nil {
			f.t.Fatalf("%s: %v", query, err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				f.t.Fatalf("%s: %v", query, err)
			}
			all = append(all, s)
		}
		if err := rows.Err(); err != nil {
			f.t.Fatal(err)
		}
		return all
	}
	var b strings.Builder
	for _, table := range column("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name") {
		where := ""
		if table == "meta" {
			where = " WHERE key NOT IN (" + caches + ")"
		}
		columns := strings.Join(column(fmt.Sprintf("SELECT 'quote(' || name || ')' FROM pragma_table_info('%s')", table)), " || ',' || ")
		rows := column(fmt.Sprintf("SELECT %s AS line FROM %s%s ORDER BY line", columns, table, where))
		fmt.Fprintf(&b, "%s: %d\n%s\n", table, len(rows), strings.Join(rows, "\n"))
	}
	return b.String()
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "before " + x[i] + "\nafter  " + y[i]
		}
	}
	return "more or fewer lines"
}
