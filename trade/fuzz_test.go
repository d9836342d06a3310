package trade

import (
	"net/url"
	"regexp"
	"testing"
)

// FuzzID holds the rule of ids against its own words, and against what an id is
// for: one segment of a path.
func FuzzID(f *testing.F) {
	for _, seed := range []string{"POS1-20261122-000123", "", "/", "..", "a/b", "A:1/2", "中", "a b", "a\x00", "%2F", "----a----",
		"01234567890123456789012345678901234567890123456789", "012345678901234567890123456789012345678901234567890"} {
		f.Add(seed)
	}
	allowed := regexp.MustCompile(`\A[A-Za-z0-9._:/-]{1,50}\z`)
	something := regexp.MustCompile(`[A-Za-z0-9]`)
	f.Fuzz(func(t *testing.T, id string) {
		m, bad := IDProblem(id)
		if want := !allowed.MatchString(id) || !something.MatchString(id); bad != want {
			t.Fatalf("IDProblem(%q) = %v, want %v", id, bad, want)
		}
		if bad {
			if m.IsZero() || m.In(ZH) == string(m.Key) {
				t.Errorf("%q is refused without a word", id)
			}
			return
		}
		if back, err := url.PathUnescape(url.PathEscape(id)); err != nil || back != id {
			t.Errorf("%q comes out of a path as %q, %v", id, back, err)
		}
	})
}
