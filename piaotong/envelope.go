package piaotong

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// EnvelopeProblem says at which step the opening of an envelope ended.
type EnvelopeProblem string

// The steps, in the order in which they are taken.
const (
	MalformedEnvelope EnvelopeProblem = "malformed_envelope" // not one flat JSON object of the documented shape
	MissingSignature  EnvelopeProblem = "missing_signature"
	BadSignature      EnvelopeProblem = "bad_signature"
	BadContent        EnvelopeProblem = "bad_content" // verified, but not to be decrypted or parsed: wrong 3DES key, or damage
)

// EnvelopeError is an envelope that must not be acted upon. It quotes neither
// the message nor any key.
type EnvelopeError struct {
	Problem EnvelopeProblem
	Detail  string
}

func (e *EnvelopeError) Error() string { return string(e.Problem) + ": " + e.Detail }

// SignRule names the way in which a response's signature treats a missing
// content or msg. Public implementations of the platform's SDK disagree.
type SignRule string

// The rules, in the order in which they are tried.
const (
	SignExact         SignRule = "exact"                  // absent and null left out, empty kept: the platform's own SDK
	SignAbsentAsEmpty SignRule = "compat_absent_as_empty" // absent content and msg signed as empty
	SignEmptyAsAbsent SignRule = "compat_empty_as_absent" // empty content and msg left out
)

// Codec seals and opens envelopes for one side: it signs with that side's
// private key, verifies with the other's public key, and shares the 3DES key.
// It is safe for concurrent use.
type Codec struct {
	// Of each there is one, and during a change of keys the next as a second.
	own    []*rsa.PrivateKey
	peer   []*rsa.PublicKey
	cipher []des3

	ownInUse, cipherInUse atomic.Int32 // those that we sign and seal with
}

// NewCodec makes a Codec. Both keys have 1024 to 4096 bits and belong to
// different pairs; des3Key has 24 ASCII characters. All problems are joined.
func NewCodec(own *rsa.PrivateKey, peer *rsa.PublicKey, des3Key string) (*Codec, error) {
	if problems := checkKeys(own, peer, des3Key); problems != nil {
		return nil, errors.Join(problems...)
	}
	cipher, err := newDES3(des3Key)
	if err != nil {
		return nil, optionError("DES3Key", err.Error())
	}
	return &Codec{own: []*rsa.PrivateKey{own}, peer: []*rsa.PublicKey{peer}, cipher: []des3{cipher}}, nil
}

// Request is an opened request envelope: ours to the platform, or a push of
// the platform to us. The fields are as received, and all are signed.
type Request struct {
	PlatformCode string
	SignType     string
	Format       string
	Timestamp    string
	Version      string
	SerialNo     string
	Content      []byte // decrypted JSON object or array
}

// Response is an opened response envelope, or one to be sealed.
type Response struct {
	Code     string
	Msg      string
	SerialNo string
	Content  []byte   // decrypted JSON object or array; nil when there is none
	Rule     SignRule // how the signature was made; not used in sealing
}

// requestWire and responseWire fix the order in which we write the fields.
type requestWire struct {
	PlatformCode string `json:"platformCode"`
	SignType     string `json:"signType"`
	Format       string `json:"format"`
	Timestamp    string `json:"timestamp"`
	Version      string `json:"version"`
	SerialNo     string `json:"serialNo"`
	Content      string `json:"content"`
	Sign         string `json:"sign"`
}

type responseWire struct {
	Code     string `json:"code"`
	Msg      string `json:"msg"`
	SerialNo string `json:"serialNo"`
	Content  string `json:"content"`
	Sign     string `json:"sign"`
}

// SealRequest makes a request envelope around content, a JSON object or array.
func (c *Codec) SealRequest(platformCode, serialNo string, at time.Time, content []byte) ([]byte, error) {
	return c.sealRequest(c.inUse(), platformCode, serialNo, at, content)
}

func (c *Codec) sealRequest(keys keyChoice, platformCode, serialNo string, at time.Time, content []byte) ([]byte, error) {
	w := requestWire{
		PlatformCode: platformCode,
		SignType:     "RSA",
		Format:       "JSON",
		Timestamp:    FormatTime(at),
		Version:      "1.0",
		SerialNo:     serialNo,
		Content:      c.cipher[keys.cipher].encrypt(content),
	}
	var err error
	w.Sign, err = sign(c.own[keys.own], signString(map[string]string{
		"platformCode": w.PlatformCode, "signType": w.SignType, "format": w.Format, "timestamp": w.Timestamp,
		"version": w.Version, "serialNo": w.SerialNo, "content": w.Content,
	}))
	if err != nil {
		return nil, err
	}
	return marshalJSON(w)
}

// SealResponse makes a response envelope. Code, Msg and Content should not be
// empty, so that all three [SignRule]s agree on the signature.
func (c *Codec) SealResponse(r Response) ([]byte, error) {
	keys := c.inUse()
	w := responseWire{Code: r.Code, Msg: r.Msg, SerialNo: r.SerialNo}
	if r.Content != nil {
		w.Content = c.cipher[keys.cipher].encrypt(r.Content)
	}
	var err error
	w.Sign, err = sign(c.own[keys.own], signString(map[string]string{
		"code": w.Code, "msg": w.Msg, "serialNo": w.SerialNo, "content": w.Content,
	}))
	if err != nil {
		return nil, err
	}
	return marshalJSON(w)
}

// OpenResponse verifies and decrypts a response. Until the signature holds,
// nothing of it is returned; an error is always an [*EnvelopeError]. With
// BadContent the Response still has the verified code, msg and serial number.
func (c *Codec) OpenResponse(raw []byte) (Response, error) {
	fields, sign, err := openShape(raw, checkResponseShape)
	if err != nil {
		return Response{}, err
	}
	r := Response{Code: fields["code"], Msg: fields["msg"], SerialNo: fields["serialNo"]}
	if r.Rule, err = c.verifyResponse(fields, sign); err != nil {
		return Response{}, err
	}
	text := fields["content"]
	// A verified error counts whatever its content: it is often missing, and
	// must not turn "refused" into "outcome unknown".
	if text == "" || r.Code != codeOK {
		return r, nil
	}
	r.Content, err = c.openContent(text)
	return r, err
}

// OpenRequest verifies and decrypts a request. An error is always an
// [*EnvelopeError]; with BadContent the other fields are verified and set.
func (c *Codec) OpenRequest(raw []byte) (Request, error) {
	fields, sign, err := openShape(raw, checkRequestShape)
	if err != nil {
		return Request{}, err
	}
	if !c.verify(signString(fields), sign) {
		return Request{}, &EnvelopeError{BadSignature, "the signature does not fit the message"}
	}
	r := Request{
		PlatformCode: fields["platformCode"], SignType: fields["signType"], Format: fields["format"],
		Timestamp: fields["timestamp"], Version: fields["version"], SerialNo: fields["serialNo"],
	}
	r.Content, err = c.openContent(fields["content"])
	return r, err
}

func (c *Codec) verifyResponse(fields map[string]string, sign string) (SignRule, error) {
	if c.verify(signString(fields), sign) {
		return SignExact, nil
	}
	absentAsEmpty, emptyAsAbsent := maps.Clone(fields), maps.Clone(fields)
	for _, name := range [...]string{"content", "msg"} {
		absentAsEmpty[name] = fields[name]
		if fields[name] == "" {
			delete(emptyAsAbsent, name)
		}
	}
	switch {
	case c.verify(signString(absentAsEmpty), sign):
		return SignAbsentAsEmpty, nil
	case c.verify(signString(emptyAsAbsent), sign):
		return SignEmptyAsAbsent, nil
	}
	return "", &EnvelopeError{BadSignature, "the signature does not fit the message"}
}

// openContent decrypts with the first key that gives JSON. What the next key of
// a change opens says that the other side has changed over, and so do we.
func (c *Codec) openContent(text string) ([]byte, error) {
	var problem error
	for i, cipher := range c.cipher {
		plain, err := cipher.decrypt(text)
		switch {
		case err == nil && isJSONDocument(plain):
			if i > 0 {
				c.cipherInUse.Store(int32(i))
			}
			return plain, nil
		case problem != nil: // the present key's problem is told
		case err != nil:
			problem = &EnvelopeError{BadContent, err.Error()}
		default:
			problem = &EnvelopeError{BadContent, "decrypted, but not a JSON object or array (wrong 3DES key?)"}
		}
	}
	return nil, problem
}

// sign makes SHA1withRSA, which the platform prescribes, in base64.
func sign(own *rsa.PrivateKey, s string) (string, error) {
	sum := sha1.Sum([]byte(s))
	sig, err := rsa.SignPKCS1v15(nil, own, crypto.SHA1, sum[:])
	if err != nil {
		return "", fmt.Errorf("cannot sign: %v", err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

func (c *Codec) verify(s, sign string) bool {
	sig, err := decodeBase64(sign)
	if err != nil {
		return false
	}
	sum := sha1.Sum([]byte(s))
	return slices.ContainsFunc(c.peer, func(peer *rsa.PublicKey) bool {
		return rsa.VerifyPKCS1v15(peer, crypto.SHA1, sum[:], sig) == nil
	})
}

// marshalJSON writes JSON without escaping < > &, so that base64 and addresses
// stay readable; the signature covers the unescaped values either way.
func marshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

var codePattern = regexp.MustCompile(`^[0-9A-Za-z]{4,6}$`)

// checkResponseShape refuses messages whose joined string could belong to other
// fields: nothing is escaped in it, so "msg=x&serialNo=S" may be one field or
// two. It must pass before a good signature means anything.
func checkResponseShape(fields map[string]string) error {
	if !codePattern.MatchString(fields["code"]) {
		return errors.New("no proper code")
	}
	return checkPlain(fields, "serialNo", " \t\r\n&=")
}

// checkRequestShape is checkResponseShape for requests.
func checkRequestShape(fields map[string]string) error {
	for _, name := range [...]string{"platformCode", "signType", "timestamp", "version"} {
		if err := checkPlain(fields, name, "&="); err != nil {
			return err
		}
	}
	if strings.ContainsAny(fields["format"], "&=") {
		return errors.New("format holds a forbidden character")
	}
	if strings.ContainsAny(fields["content"], "&") || fields["content"] == "" {
		return errors.New("no proper content")
	}
	return checkPlain(fields, "serialNo", " \t\r\n&=")
}

func checkPlain(fields map[string]string, name, forbidden string) error {
	v, ok := fields[name]
	if !ok {
		return fmt.Errorf("%s is missing", name)
	}
	if strings.ContainsAny(v, forbidden) {
		return fmt.Errorf("%s holds a forbidden character", name)
	}
	return nil
}
