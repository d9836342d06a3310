package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
	"tillagent/queue"
	"tillagent/trade"
)

const (
	// dropEvery is how often the drop folder is looked at.
	dropEvery = time.Second
	// dropPatience is how long the folder may be stuck until people are told: a
	// file that is being written or scanned for viruses is free again sooner.
	dropPatience = time.Minute
)

// The folders within the drop folder, and the end of the answer that is put
// beside a file there.
const (
	dropDone   = "done"
	dropFailed = "failed"
	dropEnd    = ".json"
	dropAnswer = ".answer.json"
)

// maxDrop is the size up to which a file is read, in bytes: somewhat more than
// the local API takes, which then says so.
const maxDrop = 2 << 20

// dropbox takes sales and refunds from files, for a POS that can write files
// and make no calls. Each file is the body of a call to the local API and goes
// the way of that call. A file that was taken and not moved, because the agent
// died, is taken again, which the ids make harmless.
type dropbox struct {
	dir   string
	host  string // of the local API, with port
	token localapi.Token
	api   http.Handler
	store *queue.Store
	log   *slog.Logger
	// clockRight tells whether this machine's clock is known to be right; nil
	// trusts it.
	clockRight func() bool

	// What follows belongs to look.
	seen    map[string]stamp // the files at the last look that were not complete
	refused int              // files in failed, as the alert has it; -1 before the first look
	trouble string           // what is logged already
	since   time.Time        // it is stuck since; zero = it is not
	told    string           // the trouble that an alert has
	tidied  time.Time        // when done was looked through
}

// dropToken is what the drop folder calls with: the journal names it.
func dropToken() localapi.Token {
	return localapi.Token{Name: "dropbox", Role: localapi.RolePOS, Secret: rand.Text()}
}

// newDropbox makes the folder where it is missing.
func newDropbox(dir string, a *agent, token localapi.Token) (*dropbox, error) {
	d := &dropbox{dir: dir, host: a.host(), token: token, api: a.api.Handler(), store: a.store, log: a.log,
		seen: map[string]stamp{}, refused: -1}
	root, err := d.open()
	if err != nil {
		return nil, &config.Wrong{Key: "dropbox.dir", Err: err}
	}
	return d, root.Close()
}

// open opens the folder, made where it is missing. Nothing outside of it is
// read or written, whatever links somebody puts there.
func (d *dropbox) open() (*os.Root, error) {
	if err := os.MkdirAll(d.dir, 0o770); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{dropDone, dropFailed} {
		if err := makeBeside(root, folder); err != nil {
			return nil, errors.Join(err, root.Close())
		}
	}
	return root, nil
}

// run looks at the folder until stop.
func (d *dropbox) run(stop context.Context) {
	tick := time.NewTicker(dropEvery)
	defer tick.Stop()
	d.told = "by an earlier run, perhaps"
	for {
		err := d.look(stop)
		if stop.Err() != nil {
			return
		}
		d.note(err, time.Now())
		if err := d.tidy(time.Now()); err != nil {
			d.log.Warn("what is done and old cannot be deleted from the drop folder", "err", err)
		}
		select {
		case <-stop.Done():
			return
		case <-tick.C:
		}
	}
}

// note logs what keeps the folder from being worked on. What lasts becomes an
// alert, until the folder is worked on again: no sale is taken meanwhile.
func (d *dropbox) note(err error, now time.Time) {
	if err == nil {
		d.trouble, d.since = "", time.Time{}
		if d.told != "" && d.store.Clear(trade.AlertRejected, dropStuck) == nil {
			d.told = ""
		}
		return
	}
	if err.Error() != d.trouble {
		d.trouble = err.Error()
		d.log.Error("the drop folder cannot be worked on; it is tried again and again", "err", err)
	}
	if d.since.IsZero() {
		d.since = now
	}
	if now.Sub(d.since) < dropPatience || d.told == d.trouble {
		return
	}
	alert := trade.Raise{Kind: trade.AlertRejected, Subject: dropStuck, Title: trade.Say(trade.DropStuck, nameless(err)), Action: trade.Say(trade.DropStuckDo)}
	if d.store.Raise(alert) == nil { // else it is tried again
		d.told = d.trouble
	}
}

// look takes the files that are there, in the order of their names. It stops
// at the first that is not complete yet or cannot be taken now, so that none
// overtakes another.
func (d *dropbox) look(stop context.Context) error {
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	files, err := dropped(root, ".")
	if err != nil {
		return err
	}
	before := d.seen
	d.seen = map[string]stamp{}
	for _, name := range files {
		text, now, err := readDropped(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its owner has thought better of it
		}
		if err != nil {
			return err
		}
		// A sale's text is no JSON before its last brace is written, so what is
		// JSON is complete; what is not must have rested from one look to the next.
		if rests, known := before[name]; !json.Valid(text) && len(text) <= maxDrop && (!known || rests != now) {
			d.seen[name] = now
			break
		}
		if taken, err := d.take(stop, root, name, text); !taken {
			return errors.Join(err, d.tell(root))
		}
	}
	return d.tell(root)
}

// dropped are the files of a folder that are to be taken, by name.
func dropped(root *os.Root, folder string) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), folder) // by name
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if e.Type().IsRegular() && strings.HasSuffix(name, dropEnd) && !strings.HasSuffix(name, dropAnswer) && !strings.HasPrefix(name, ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// readDropped reads a file, at most a byte more than maxDrop, as UTF-8.
func readDropped(root *os.Root, name string) ([]byte, stamp, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, stamp{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxDrop+1))
	if err != nil {
		return nil, stamp{}, err
	}
	if len(raw) > maxDrop {
		return raw, stampOf(info), nil
	}
	return []byte(goodsText(raw)), stampOf(info), nil
}

// take posts a file and moves it with its answer. taken is false where it
// stays, because it cannot be taken or moved now.
func (d *dropbox) take(stop context.Context, root *os.Root, name string, text []byte) (taken bool, err error) {
	status, answer := d.post(stop, text)
	folder := dropFailed
	switch {
	case status < 300:
		folder = dropDone
	case status == http.StatusTooManyRequests, status >= 500:
		return false, fmt.Errorf("%s: %s", name, answer)
	}
	d.log.Info("drop folder", "file", name, "status", status, "folder", folder)
	target, err := d.target(root, folder, name)
	if err != nil {
		return false, err
	}
	// The answer comes first: what is moved has one.
	beside := path.Join(folder, target[:len(target)-len(dropEnd)]+dropAnswer)
	if err := putAnswer(root, beside, answer); err != nil {
		return false, err
	}
	err = root.Rename(name, path.Join(folder, target))
	return err == nil, err
}

// target is the name that a file gets. In done it takes the place of an earlier
// one of the same name, as a POS that always writes the same name expects; what
// failed was taken by nobody and is kept.
func (d *dropbox) target(root *os.Root, folder, name string) (string, error) {
	if folder == dropDone {
		return name, nil
	}
	bare, end := name[:len(name)-len(dropEnd)], name[len(name)-len(dropEnd):]
	for n := 2; ; n++ {
		_, err := root.Lstat(path.Join(folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return name, nil
		case err != nil:
			return "", err
		}
		name = fmt.Sprintf("%s-%d%s", bare, n, end)
	}
}

// post makes the call that a file stands for.
func (d *dropbox) post(stop context.Context, text []byte) (status int, answer []byte) {
	target := "/v1/sales"
	if body, sale, ok := refundOf(text); ok {
		if sale == "" {
			return http.StatusUnprocessableEntity, lacksSale()
		}
		target, text = target+"/"+url.PathEscape(sale)+"/refunds", body
	}
	r, err := http.NewRequestWithContext(stop, http.MethodPost, target, bytes.NewReader(text))
	if err != nil {
		return http.StatusInternalServerError, []byte(err.Error())
	}
	r.Host = d.host
	r.Header.Set("Authorization", "Bearer "+d.token.Secret)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", lang)
	w := &inMemory{header: http.Header{}}
	d.api.ServeHTTP(w, r)
	return w.status, w.body.Bytes()
}

// refundOf tells whether a file is a refund, and gives its sale and what is
// posted for it: all but the sale, which the call has in its path. What is
// wrong with the text is left in it, for the call to tell.
func refundOf(text []byte) (body []byte, sale string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if !json.Valid(text) {
		return nil, "", false
	}
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, "", false
	}
	var members [][]byte
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, "", false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, "", false
		}
		if name == "sale_id" && sale == "" && json.Unmarshal(value, &sale) == nil {
			continue
		}
		ok = ok || name == "refund_id"
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, "", false
		}
		members = append(members, slices.Concat(quoted, []byte(":"), value))
	}
	return slices.Concat([]byte("{"), bytes.Join(members, []byte(",")), []byte("}")), sale, ok
}

// lacksSale is the answer to a refund that does not name its sale: no call can
// be made of it.
func lacksSale() []byte {
	l := trade.Lang(lang)
	why := trade.Say(trade.Required).In(l)
	answer, _ := json.Marshal(map[string]any{"type": "about:blank", "title": trade.Say(trade.ErrValidation).In(l), "status": http.StatusUnprocessableEntity,
		"code": trade.ErrValidation, "detail": "sale_id: " + why, "fields": []any{map[string]string{"field": "sale_id", "message": why}}}) // texts have JSON
	return answer
}

// inMemory keeps the answer of a call within the process.
type inMemory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *inMemory) Header() http.Header { return w.header }

func (w *inMemory) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *inMemory) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// The subjects of the alerts, of the kind of sales that were not taken.
const (
	dropSubject = "dropbox"       // files in failed
	dropStuck   = "dropbox.stuck" // the folder cannot be worked on
)

// tell raises an alert as long as failed holds files, since nobody looks there
// unasked, and ends it when somebody has seen to them.
func (d *dropbox) tell(root *os.Root) error {
	files, err := dropped(root, dropFailed)
	if err != nil || len(files) == d.refused {
		return err
	}
	if len(files) == 0 {
		err = d.store.Clear(trade.AlertRejected, dropSubject)
	} else {
		err = d.store.Raise(trade.Raise{Kind: trade.AlertRejected, Subject: dropSubject,
			Title: trade.Say(trade.DropRefused, fmt.Sprint(len(files)), files[len(files)-1]), Action: trade.Say(trade.DropRefusedDo)})
	}
	if err == nil {
		d.refused = len(files)
	}
	return err
}
