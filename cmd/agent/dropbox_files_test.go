package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDropFolderForgetsWhatIsDone: done is kept for 90 days by the time at which
// it was done, and what failed for ever.
func TestDropFolderForgetsWhatIsDone(t *testing.T) {
	d := newDrop(t)
	age := func(name string, old time.Duration) {
		t.Helper()
		at := time.Now().Add(-old)
		if err := os.Chtimes(filepath.Join(d.dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	const young, old = doneKept - time.Hour, doneKept + time.Hour
	d.put("old.JSON", coffee("OLD"))
	d.put("young.json", coffee("YOUNG"))
	d.put("stamped.json", coffee("STAMPED"))
	d.put("wrong.json", "{}")
	d.looks()
	for name, was := range map[string]time.Duration{
		"done/old.answer.json": old, "done/young.json": young, "done/young.answer.json": young, // the POS's own times do not count
		"done/stamped.json": old, "failed/wrong.json": old, "failed/wrong.answer.json": old,
	} {
		age(name, was)
	}
	for _, name := range []string{"done/alone.json", "done/note.txt"} {
		d.put(name, "")
		age(name, old)
	}
	there := func(want string) {
		t.Helper()
		var names []string
		err := fs.WalkDir(os.DirFS(d.dir), ".", func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, p)
			}
			return err
		})
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("there is %s, %v; want %s", got, err, want)
		}
	}
	const failed = " failed/wrong.answer.json failed/wrong.json"
	const all = "done/alone.json done/note.txt done/old.JSON done/old.answer.json done/stamped.answer.json done/stamped.json done/young.answer.json done/young.json" + failed
	tidies := func(at time.Time) {
		t.Helper()
		if err := d.tidy(at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	right := false
	d.clockRight = func() bool { return right }
	tidies(now)
	there(all) // the clock may be years ahead
	right = true
	tidies(now)
	const rest = "done/note.txt done/stamped.answer.json done/stamped.json done/young.answer.json done/young.json" + failed
	there(rest)
	age("done/young.answer.json", old)
	tidies(now.Add(tidyEvery - time.Second))
	there(rest) // it is not looked at again so soon
	tidies(now.Add(tidyEvery))
	there("done/note.txt done/stamped.answer.json done/stamped.json" + failed)
	if r, err := d.store.Sale(t.Context(), "OLD"); err != nil || r.Sale.ID != "OLD" {
		t.Errorf("the sale itself: %v, %v", fmt.Sprint(r), err)
	}
}
