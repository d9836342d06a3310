package localapi

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// TokenList is the file of the tokens that were given out one by one. It has
// their SHA-256 alone, so that reading it lets nobody in. Whoever may write the
// data folder may change it, beside a running service too: the service looks at
// it at each call, so that what is revoked is refused from the next call on.
type TokenList struct{ Path string }

// GivenToken is one token of a list.
type GivenToken struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	SHA256    string    `json:"sha256"` // hexadecimal
	CreatedAt time.Time `json:"created_at"`
}

// Errors of a TokenList.
var (
	ErrTokenName   = errors.New("a token's name has 1 to 64 letters, digits, . _ -")
	ErrTokenRole   = errors.New("a token's role is pos, console or read")
	ErrTokenTaken  = errors.New("another token has this name")
	ErrNoToken     = errors.New("no token has this name")
	ErrTokensFull  = errors.New("there are too many tokens; revoke those that nobody uses")
	ErrTokensTorn  = errors.New("it is no list of tokens; mend it, or delete it and give out its tokens anew")
	ErrTokensInUse = errors.New("somebody else changes it just now; try again")
)

const (
	maxGiven     = 256 // tokens in a list
	maxTokenList = 1 << 20
	// staleChange is the age at which a half-made list is taken for what a crash
	// left: a change takes milliseconds.
	staleChange = 10 * time.Second
	// fileTick is more than the steps of the times of files.
	fileTick = 10 * time.Millisecond
)

// TokenName tells whether a token may have this name.
func TokenName(name string) bool {
	return utf8.RuneCountInString(name) <= maxTokenName && tokenForm(name)
}

const maxTokenName = 64 // characters

// The length is looked at apart: a pattern that counts takes megabytes.
var tokenForm = regexp.MustCompile(`^[\p{L}\p{N}._-]+$`).MatchString

type tokenListJSON struct {
	Tokens []GivenToken `json:"tokens"`
}

// Tokens are the tokens of the list, by name; none where there is no file.
func (l TokenList) Tokens() ([]GivenToken, error) {
	tokens, err := l.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, l.wrap(err)
	}
	return tokens, nil
}

// Add makes a token, puts its sum into the list and returns it: it is stored
// nowhere else. taken are the names that tokens elsewhere have.
func (l TokenList) Add(name string, role Role, now time.Time, taken ...string) (secret string, err error) {
	switch {
	case !TokenName(name):
		return "", ErrTokenName
	case rank[role] == 0:
		return "", ErrTokenRole
	case slices.Contains(taken, name):
		return "", ErrTokenTaken
	}
	secret = newSecret()
	sum := sha256.Sum256([]byte(secret))
	err = l.change(func(tokens []GivenToken) ([]GivenToken, error) {
		switch {
		case slices.ContainsFunc(tokens, func(t GivenToken) bool { return t.Name == name }):
			return nil, ErrTokenTaken
		case len(tokens) >= maxGiven:
			return nil, ErrTokensFull
		}
		return append(tokens, GivenToken{name, role, hex.EncodeToString(sum[:]), now.UTC().Truncate(time.Second)}), nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Revoke takes a token out of the list; ErrNoToken where it has none of the
// name.
func (l TokenList) Revoke(name string) error {
	return l.change(func(tokens []GivenToken) ([]GivenToken, error) {
		rest := slices.DeleteFunc(slices.Clone(tokens), func(t GivenToken) bool { return t.Name == name })
		if len(rest) == len(tokens) {
			return nil, ErrNoToken
		}
		return rest, nil
	})
}

func (l TokenList) wrap(err error) error { return fmt.Errorf("tokens file %s: %w", l.Path, err) }

// newSecret makes a token: 256 bits.
func newSecret() string {
	var raw [tokenBytes]byte
	rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// read parses the file, strictly: what was changed by hand and is not right
// lets nobody in.
func (l TokenList) read() ([]GivenToken, error) {
	f, err := os.Open(l.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, ErrTokenRights
	}
	var list tokenListJSON
	d := json.NewDecoder(io.LimitReader(f, maxTokenList))
	d.DisallowUnknownFields()
	if d.Decode(&list) != nil || len(list.Tokens) > maxGiven {
		return nil, ErrTokensTorn
	}
	names := map[string]bool{}
	for _, t := range list.Tokens {
		if sum, err := hex.DecodeString(t.SHA256); err != nil || len(sum) != sha256.Size || !TokenName(t.Name) || rank[t.Role] == 0 || names[t.Name] {
			return nil, ErrTokensTorn
		}
		names[t.Name] = true
	}
	return list.Tokens, nil
}

// change writes the list anew beside its place and moves it there. The new file
// is the lock as well: two who change the list at once do not lose each other's
// tokens.
func (l TokenList) change(edit func([]GivenToken) ([]GivenToken, error)) (err error) {
	fresh := l.Path + ".new"
	if info, err := os.Stat(fresh); err == nil && time.Since(info.ModTime()).Abs() > staleChange { // the clock may have been set since
		if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return l.wrap(err)
		}
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return l.wrap(ErrTokensInUse)
	}
	if err != nil {
		return l.wrap(err)
	}
	defer func() {
		if err != nil {
			os.Remove(fresh) // it was never the list
		}
	}()
	defer f.Close() // a second time after all went well
	tokens, err := l.Tokens()
	if err != nil {
		return err
	}
	if tokens, err = edit(tokens); err != nil {
		return err
	}
	slices.SortFunc(tokens, func(a, b GivenToken) int { return cmp.Compare(a.Name, b.Name) })
	e := json.NewEncoder(f)
	e.SetIndent("", "  ")
	if err = errors.Join(e.Encode(tokenListJSON{tokens}), likeFolder(f, filepath.Dir(l.Path)), f.Sync(), f.Close()); err != nil {
		return l.wrap(err)
	}
	if err = l.newer(fresh); err != nil {
		return l.wrap(err)
	}
	if err = rename(fresh, l.Path); err != nil {
		return l.wrap(err)
	}
	return syncDir(filepath.Dir(l.Path))
}

// newer gives the new file a time after the old one's, because by their times a
// service tells them apart.
func (l TokenList) newer(fresh string) error {
	old, err := os.Stat(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(fresh)
	if err != nil || info.ModTime().Sub(old.ModTime()) >= fileTick {
		return err
	}
	return os.Chtimes(fresh, time.Time{}, old.ModTime().Add(fileTick))
}

// givenTokens is a list as the guard knows it.
type givenTokens struct {
	list  TokenList
	taken map[string]bool // names of tokens that are not in the list
	log   *slog.Logger

	mu      sync.Mutex
	seen    fileState
	clients []*client
	trouble string // what is logged of a list that cannot be read
}

// fileState tells one content of a file from another; the zero value is no
// file.
type fileState struct {
	there    bool
	modified time.Time
	size     int64
	mode     fs.FileMode
}

// current are the holders of the list's tokens as it is now. A list that cannot
// be read lets nobody in.
func (g *givenTokens) current() []*client {
	if g.list.Path == "" {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var now fileState
	info, err := os.Stat(g.list.Path)
	switch {
	case err == nil:
		now = fileState{true, info.ModTime(), info.Size(), info.Mode()}
	case !errors.Is(err, fs.ErrNotExist):
		now = fileState{there: true} // reading it tells what is wrong
	}
	if now == g.seen {
		return g.clients
	}
	g.seen, g.clients = now, nil
	tokens, err := g.list.Tokens()
	if err != nil {
		g.seen = fileState{} // it may be read the next time as it is
		if err.Error() != g.trouble {
			g.trouble = err.Error()
			g.log.Error("the tokens that were given out do not work", "err", err)
		}
		return nil
	}
	g.trouble = ""
	for _, t := range tokens {
		if g.taken[t.Name] {
			g.log.Error("a token does not work: its name is another one's, too", "client", t.Name)
			continue
		}
		c := &client{name: t.Name, role: t.Role}
		hex.Decode(c.sum[:], []byte(t.SHA256)) // read has checked it
		g.clients = append(g.clients, c)
	}
	g.log.Info("tokens read", "count", len(g.clients))
	return g.clients
}
