package localapi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

func TestTokenList(t *testing.T) {
	dir := t.TempDir()
	l := TokenList{filepath.Join(dir, "tokens.json")}
	if tokens, err := l.Tokens(); err != nil || len(tokens) != 0 {
		t.Errorf("without a file: %v, %v", tokens, err)
	}
	if err := l.Revoke("a"); !errors.Is(err, ErrNoToken) {
		t.Errorf("revoke without a file: %v", err)
	}
	now := time.Date(2026, 11, 22, 19, 30, 5, 7, trade.Beijing)
	secret, err := l.Add("till-2", RolePOS, now)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := l.Add("办公室", RoleRead, now); err != nil || other == secret {
		t.Errorf("a second token: same %v, %v", other == secret, err)
	}
	for _, tt := range []struct {
		name string
		role Role
		want error
	}{
		{"till-2", RoleRead, ErrTokenTaken}, {"api-token", RolePOS, ErrTokenTaken}, {"", RolePOS, ErrTokenName}, {"a b", RolePOS, ErrTokenName},
		{strings.Repeat("x", 65), RolePOS, ErrTokenName}, {"a\nb", RolePOS, ErrTokenName}, {"x", "", ErrTokenRole}, {"x", "admin", ErrTokenRole},
	} {
		if secret, err := l.Add(tt.name, tt.role, now, "api-token"); !errors.Is(err, tt.want) || secret != "" {
			t.Errorf("%q %q: %v", tt.name, tt.role, err)
		}
	}
	sum := sha256.Sum256([]byte(secret))
	tokens, err := l.Tokens()
	if want := (GivenToken{"till-2", RolePOS, hex.EncodeToString(sum[:]), time.Date(2026, 11, 22, 11, 30, 5, 0, time.UTC)}); err != nil || len(tokens) != 2 || tokens[0] != want {
		t.Errorf("%+v, %v", tokens, err)
	}
	if text, err := os.ReadFile(l.Path); err != nil || strings.Contains(string(text), secret) {
		t.Errorf("the file has the token itself: %s %v", text, err)
	}
	if err := l.Revoke("till-2"); err != nil {
		t.Error(err)
	}
	if err := l.Revoke("till-2"); !errors.Is(err, ErrNoToken) {
		t.Errorf("revoked twice: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v left, %v", entries, err)
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(l.Path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("made with %v, %v", info.Mode(), err)
		}
	}
}

func TestTokenListFull(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	err := l.change(func([]GivenToken) (all []GivenToken, err error) {
		for i := range maxGiven {
			all = append(all, GivenToken{fmt.Sprint("t", i), RoleRead, strings.Repeat("00", 32), time.Now()})
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Add("more", RoleRead, time.Now()); !errors.Is(err, ErrTokensFull) {
		t.Errorf("%v", err)
	}
	if tokens, err := l.Tokens(); err != nil || len(tokens) != maxGiven {
		t.Errorf("%d, %v", len(tokens), err)
	}
}

// Two who add at once lose nothing: each has its token, or is told.
func TestTokenListAtOnce(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	const callers = 8
	var mu sync.Mutex
	added := 0
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			_, err := l.Add(fmt.Sprint("t", i), RolePOS, time.Now())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				added++
			case !errors.Is(err, ErrTokensInUse):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if tokens, err := l.Tokens(); err != nil || len(tokens) != added || added == 0 {
		t.Errorf("%d in the list, %d added, %v", len(tokens), added, err)
	}
}

func TestTokenListAfterCrash(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	half := l.Path + ".new"
	if err := os.WriteFile(half, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Add("a", RolePOS, time.Now()); !errors.Is(err, ErrTokensInUse) {
		t.Errorf("beside a change under way: %v", err)
	}
	for i, age := range []time.Duration{2 * staleChange, -24 * time.Hour} { // the clock was wrong then
		if err := os.WriteFile(half, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(half, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Add(fmt.Sprint("a", i), RolePOS, time.Now()); err != nil {
			t.Errorf("%s after a crash: %v", age, err)
		}
	}
}

func TestTokenListTorn(t *testing.T) {
	sum := strings.Repeat("00", 32)
	entry := func(name, role, sum string) string {
		return fmt.Sprintf(`{"name":%q,"role":%q,"sha256":%q,"created_at":"2026-11-22T11:30:05Z"}`, name, role, sum)
	}
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	for _, text := range []string{"", "{", "[]", `{"token":[]}`, `{"tokens":[` + entry("", "pos", sum) + `]}`, `{"tokens":[` + entry("a", "root", sum) + `]}`,
		`{"tokens":[` + entry("a", "pos", sum[2:]) + `]}`, `{"tokens":[` + entry("a", "pos", "zz"+sum[2:]) + `]}`, `{"tokens":[` + entry("a", "pos", sum) + `,` + entry("a", "read", sum) + `]}`} {
		if err := os.WriteFile(l.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if tokens, err := l.Tokens(); !errors.Is(err, ErrTokensTorn) {
			t.Errorf("%s: %v, %v", text, tokens, err)
		}
		if _, err := l.Add("b", RolePOS, time.Now()); !errors.Is(err, ErrTokensTorn) {
			t.Errorf("%s is added to: %v", text, err)
		}
	}
}

// TestGivenTokens gives out and revokes tokens beside a running server.
func TestGivenTokens(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	x := newTill(t, func(o *Options, _ *queue.Options) { o.TokenList = l })
	add := func(name string, role Role) string {
		t.Helper()
		secret, err := l.Add(name, role, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	refused := func(secret string) {
		t.Helper()
		*x.server.guard.wrong = wrongTokens{now: time.Now}
		x.get("/v1/status", as(secret)).want(t, 401, trade.ErrUnauthorized)
	}
	for i := range 20 { // quicker than the times of files tell
		secret := add("till-2", RolePOS)
		x.post("/v1/sales", plainBody(fmt.Sprint("S", i), "1.00"), as(secret)).want(t, 201, "")
		if err := l.Revoke("till-2"); err != nil {
			t.Fatal(err)
		}
		refused(secret)
	}
	board := add("board2", RoleRead)
	x.post("/v1/sales", plainBody("S1", "1.00"), as(board)).want(t, 403, trade.ErrForbiddenRole)
	x.get("/v1/sales/S1", as(board)).want(t, 200, "")

	t.Run("a name that the configuration has", func(t *testing.T) {
		twice := add("till", RoleConsole)
		refused(twice)
		x.get("/v1/status").want(t, 200, "")
	})
	t.Run("rights", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("the folder gives the rights")
		}
		if err := os.Chmod(l.Path, 0o644); err != nil {
			t.Fatal(err)
		}
		refused(board)
		x.get("/v1/status").want(t, 200, "") // the others go on
		if err := os.Chmod(l.Path, 0o600); err != nil {
			t.Fatal(err)
		}
		x.get("/v1/status", as(board)).want(t, 200, "")
	})
	t.Run("torn", func(t *testing.T) {
		if err := os.WriteFile(l.Path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(board)
	})
	t.Run("gone", func(t *testing.T) {
		if err := os.Remove(l.Path); err != nil {
			t.Fatal(err)
		}
		refused(board)
	})
	if !strings.Contains(x.log.String(), "the tokens that were given out do not work") || strings.Contains(x.log.String(), board) {
		t.Error("the log does not tell, or tells a token")
	}
}

// TestStreamOfRevoked: a stream hears nothing after its token was revoked.
func TestStreamOfRevoked(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	x := newTill(t, func(o *Options, _ *queue.Options) { o.TokenList = l })
	secret, err := l.Add("board2", RoleRead, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	heard := x.follow("", as(secret))
	if err := l.Revoke("board2"); err != nil {
		t.Fatal(err)
	}
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	if e, err := heard.read(); err != io.EOF {
		t.Errorf("heard %+v, %v", e, err)
	}
}
