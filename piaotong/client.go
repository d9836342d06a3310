package piaotong

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	codeOK         = "0000"
	defaultTimeout = 30 * time.Second
	maxConnect     = 5 * time.Second
)

// Options configures a [Client]. It has no useful zero value.
type Options struct {
	BaseURL        string            // e.g. "https://fpkj.vpiaotong.com"; no trailing path needed
	AllowHTTP      bool              // plain http otherwise only to the loopback
	PlatformCode   string            // 平台编码, 8 letters or digits
	PlatformPrefix string            // 平台简称, 4 letters or digits
	DES3Key        string            // 24 ASCII characters, used as they are
	PrivateKey     *rsa.PrivateKey   // ours
	PlatformKey    *rsa.PublicKey    // the platform's; refused when it is our own public key
	Next           NextKeys          // the keys that take over, during a change of keys
	Timeout        time.Duration     // of a whole call; 0 = 30 s. Connecting gets at most 5 s of it
	Endpoints      map[string]string // paths by the keys of EndpointKeys; an empty path means the default
	Transport      http.RoundTripper // nil = one of our own
	// OnDate is called with the Date header of every response that has one,
	// from which the clock's offset can be told; may be nil.
	OnDate func(server, received time.Time)
	Now    func() time.Time // the time that is sent; nil = time.Now
	Logger *slog.Logger     // nil = discard
}

// LogValue keeps the keys out of logs.
func (o Options) LogValue() slog.Value {
	return slog.GroupValue(slog.String("base_url", o.BaseURL), slog.String("platform_code", o.PlatformCode))
}

// String keeps the keys out of formatted text.
func (o Options) String() string {
	return fmt.Sprintf("piaotong options for %s at %s", o.PlatformCode, o.BaseURL)
}

// GoString is String for %#v.
func (o Options) GoString() string { return o.String() }

// Client calls the platform. It is safe for concurrent use and never repeats a
// call by itself, but for one that the platform could not read because keys are
// being changed ([NextKeys]).
type Client struct {
	codec        *Codec
	http         *http.Client
	base         string
	paths        map[string]string // by key
	platformCode string
	prefix       string
	timeout      time.Duration
	// hooked says that the transport reports its connections (net/http's own
	// does): only then "no connection was asked for" proves that nothing was sent.
	hooked bool
	onDate func(server, received time.Time)
	now    func() time.Time
	log    *slog.Logger
}

// New checks the options and makes a Client; it sends nothing. All problems
// are joined, each with the name of its option.
func New(o Options) (*Client, error) {
	problems := append(checkKeys(o.PrivateKey, o.PlatformKey, o.DES3Key), o.Next.check(o.PrivateKey, o.PlatformKey)...)
	base, err := checkBaseURL(o.BaseURL, o.AllowHTTP)
	if err != nil {
		problems = append(problems, optionError("BaseURL", err.Error()))
	}
	if len(o.PlatformCode) != 8 || !isAlnum(o.PlatformCode) {
		problems = append(problems, optionError("PlatformCode", "must have 8 letters or digits"))
	}
	if len(o.PlatformPrefix) != 4 || !isAlnum(o.PlatformPrefix) {
		problems = append(problems, optionError("PlatformPrefix", "must have 4 letters or digits"))
	}
	if o.Timeout < 0 {
		problems = append(problems, optionError("Timeout", "must not be negative"))
	}
	paths, err := resolvePaths(o.Endpoints)
	if err != nil {
		problems = append(problems, err)
	}
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	codec, err := NewCodec(o.PrivateKey, o.PlatformKey, o.DES3Key)
	if err == nil {
		err = codec.add(o.Next)
	}
	if err != nil {
		return nil, err
	}
	c := &Client{
		codec:        codec,
		base:         base,
		paths:        paths,
		platformCode: o.PlatformCode,
		prefix:       o.PlatformPrefix,
		timeout:      o.Timeout,
		onDate:       o.OnDate,
		now:          o.Now,
		log:          o.Logger,
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport(min(maxConnect, c.timeout))
	}
	_, c.hooked = transport.(*http.Transport)
	c.http = &http.Client{
		Transport: transport,
		// A POST must not be replayed somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if bits := min(o.PrivateKey.N.BitLen(), o.PlatformKey.N.BitLen()); bits < shortKeyBits {
		c.log.Warn("RSA key is short; longer ones only by agreement with the platform", "bits", bits)
	}
	if o.Next.any() {
		c.log.Info("a change of keys is under way", "private_key", o.Next.PrivateKey != nil, "platform_public_key", o.Next.PlatformKey != nil, "des3_key", o.Next.DES3Key != "")
	}
	return c, nil
}

// Codec gives what the client's envelopes are made with, for the platform's
// pushes. Both follow a change of keys together.
func (c *Client) Codec() *Codec { return c.codec }

// Close closes idle connections. Calls under way go on to their end.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func newTransport(connect time.Duration) *http.Transport {
	// One connection per call under way: with HTTP/1 it is plain whether a call
	// had sent anything, and no dead shared connection holds up several calls.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: connect,
		Protocols:           protocols,
		MaxIdleConnsPerHost: 8,
		// Shorter than servers usually keep idle connections: a request that
		// meets a closing one has an unknown outcome.
		IdleConnTimeout: 15 * time.Second,
	}
}

func checkBaseURL(s string, allowHTTP bool) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return "", errors.New("must be like https://host")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("must not have a user, query or fragment")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !allowHTTP && !isLoopback(u.Hostname()) {
			return "", errors.New("plain http must be allowed explicitly")
		}
	default:
		return "", errors.New("must begin with https://")
	}
	return strings.TrimRight(s, "/"), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func resolvePaths(overrides map[string]string) (map[string]string, error) {
	paths := make(map[string]string, len(endpointKeys))
	for _, k := range endpointKeys {
		paths[k.Key] = k.Default
	}
	var problems []error
	for key, path := range overrides {
		switch _, known := paths[key]; {
		case !known:
			problems = append(problems, optionError("Endpoints", fmt.Sprintf("unknown key %q", key)))
		case path == "":
		case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?# \t\r\n"):
			problems = append(problems, optionError("Endpoints", key+": a path must begin with / and have no query"))
		default:
			paths[key] = path
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return paths, errors.Join(problems...)
}

func optionError(option, problem string) error { return fmt.Errorf("%s: %s", option, problem) }

// serialNo makes the number of one transmission: prefix, Beijing time to the
// second, 8 random characters; 26 in all. It is new for every attempt and
// identifies nothing but that.
func (c *Client) serialNo(at time.Time) string {
	return c.prefix + at.In(beijing).Format("20060102150405") + rand.Text()[:8]
}

// call makes one call: seal, send, open, classify, decode. A nil error says
// that the platform processed it and its answer is in Resp.
func call[Req, Resp any](ctx context.Context, c *Client, op *operation, req Req) (Resp, error) {
	var resp Resp
	if c.paths[op.key] == "" {
		return resp, c.fail(op, Error{Kind: Misconfigured, NoPath: true, Msg: "path not configured: " + op.key})
	}
	content, err := marshalJSON(req)
	if err != nil {
		return resp, c.fail(op, Error{Kind: Refused, Msg: "cannot be written as JSON", Err: err})
	}
	r, serial, err := c.converse(ctx, op, content)
	if err != nil {
		return resp, err
	}
	c.noteOddities(op, serial, r)
	if r.Code != codeOK {
		return resp, c.fail(op, Error{Kind: classify(op, r.Code, r.Msg), Code: r.Code, Msg: cleanMsg(r.Msg)})
	}
	if r.Content == nil {
		return resp, c.malformed(op, errors.New("it has no content"))
	}
	if err := json.Unmarshal(r.Content, &resp); err != nil {
		return resp, c.malformed(op, errors.New("its content has another form than documented"))
	}
	return resp, nil
}

// send makes one envelope around content, sends it and opens the answer. The
// error is an [*Error].
func (c *Client) send(ctx context.Context, op *operation, content []byte, keys keyChoice) (r Response, serial string, err error) {
	at := c.now()
	serial = c.serialNo(at)
	body, err := c.codec.sealRequest(keys, c.platformCode, serial, at, content)
	if err != nil {
		return r, serial, c.fail(op, Error{Kind: Misconfigured, Err: err})
	}
	raw, failure := c.exchange(ctx, c.base+c.paths[op.key], body)
	if failure != nil {
		return r, serial, c.fail(op, *failure)
	}
	if r, err = c.codec.OpenResponse(raw); err != nil {
		return r, serial, c.fail(op, Error{Kind: Unknown, Untrusted: true, Msg: "the answer cannot be trusted", Err: err})
	}
	return r, serial, nil
}

// noteOddities records what a real platform does where its document is silent.
func (c *Client) noteOddities(op *operation, serial string, r Response) {
	if r.Rule != SignExact {
		c.log.Info("answer signed by a compatibility rule", "op", op.key, "rule", r.Rule)
	}
	if r.SerialNo != serial {
		c.log.Info("answer has another serial number", "op", op.key, "sent", serial, "received", cleanMsg(r.SerialNo))
	}
}

// fail completes an Error with what the operation's row says.
func (c *Client) fail(op *operation, e Error) error {
	e.Op, e.Interface, e.Repeatable = op.what, op.endpoint().Interface, op.repeat
	return &e
}

// refused is a call that is not worth sending.
func (c *Client) refused(op *operation, msg string) error {
	return c.fail(op, Error{Kind: Refused, Msg: msg})
}

// malformed is a verified 0000 whose content does not answer the question.
func (c *Client) malformed(op *operation, err error) error {
	return c.fail(op, Error{Kind: Unknown, Msg: "the answer cannot be used", Err: err})
}
