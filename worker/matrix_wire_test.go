package worker_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"tillagent/piaotong"
)

// heard is one call to the platform as it went over the wire.
type heard struct {
	number  string   // of the interface
	ids     []string // the business numbers in it
	content string
	at      time.Time // when it went out
	code    string    // of an answer that may be believed; "" where there is none
	msg     string
}

func (h heard) String() string {
	if h.code == "" {
		return h.number + " in doubt"
	}
	return h.number + " " + h.code
}

// reading names, for the interfaces that change something, the one that tells
// what became of it.
var reading = map[string]string{"2.16": "2.18", "2.17": "2.18", "2.9": "2.11", "2.10": "2.11", "2.37": "2.11"}

// wire writes down every call on its way. What may be believed of an answer it
// finds out for itself, from the bytes.
type wire struct {
	next              http.RoundTripper
	requests, answers *piaotong.Codec
	mu                sync.Mutex
	calls             []heard
}

// stranger is a key of nobody: a codec that only opens needs one.
var stranger = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) })

func newWire(next http.RoundTripper, o piaotong.Options) (*wire, error) {
	w := &wire{next: next}
	key, err := stranger()
	if err != nil {
		return nil, err
	}
	if w.requests, err = piaotong.NewCodec(key, &o.PrivateKey.PublicKey, o.DES3Key); err != nil {
		return nil, err
	}
	w.answers, err = piaotong.NewCodec(key, o.PlatformKey, o.DES3Key)
	return w, err
}

var (
	interfaceOf = sync.OnceValue(func() map[string]string {
		m := map[string]string{}
		for _, k := range piaotong.EndpointKeys() {
			if k.Default != "" {
				m[k.Default] = k.Interface
			}
		}
		return m
	})
	idPattern = regexp.MustCompile(`"(?:qrcodeNo|invoiceReqSerialNo)":"([0-9A-Za-z]{20})"`)
)

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	h := heard{number: interfaceOf()[r.URL.Path], at: time.Now()}
	if h.number == "" { // a path that only the platform's own document tells
		h.number = strings.TrimPrefix(r.URL.Path, "/sim/")
	}
	if req, err := w.requests.OpenRequest(raw); err == nil {
		h.content = string(req.Content)
		for _, m := range idPattern.FindAllStringSubmatch(h.content, -1) {
			h.ids = append(h.ids, m[1])
		}
	}
	resp, err := w.next.RoundTrip(r)
	if err == nil {
		body, readErr := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		if readErr == nil {
			w.judge(&h, resp.StatusCode, body)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, h)
	return resp, err
}

// judge says what may be believed of an answer.
func (w *wire) judge(h *heard, status int, body []byte) {
	if status != http.StatusOK {
		return
	}
	a, err := w.answers.OpenResponse(body)
	if err == nil && (a.Code != "0000" || json.Valid(a.Content)) {
		h.code, h.msg = a.Code, a.Msg
	}
}

// heard gives the calls since the last forget.
func (w *wire) heard() []heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

// orderly holds that no changing call was repeated before a reading one told
// what had become of it, and none with other data.
func (p *play) orderly(calls []heard) {
	last := map[string]heard{}
	read := map[string]bool{}
	for i, h := range calls {
		if i > 0 && len(h.ids) > 0 && classOf(calls[i-1]) == isConfig && h.at.Sub(calls[i-1].at) < time.Second {
			p.errorf("%s went out at once after %s", h, calls[i-1])
		}
		ask, changes := reading[h.number]
		for _, id := range h.ids {
			if !changes {
				read[h.number+id] = read[h.number+id] || h.code != ""
				continue
			}
			if before, again := last[h.number+id]; again {
				if before.content != h.content {
					p.errorf("%s went out with other data: %s, then %s", id, before.content, h.content)
				}
				switch cl := classOf(before); {
				case mustAsk(before) && !read[ask+id]:
					p.errorf("%s after %s, and nobody asked: %v", h, before, calls)
				case !mustAsk(before) && (cl == isLater || cl == isConfig) && read[ask+id]:
					p.errorf("%s was asked about, and surely not done", before)
				}
			}
			last[h.number+id] = h
			read[ask+id] = false
		}
	}
}
