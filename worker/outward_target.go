package worker

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tillagent/trade"
)

// target is one place where alerts are told.
type target struct {
	name    string // for logs and the cursor; never the address
	address string
	secret  string
	// request makes what is sent: the address and the body, to be written as JSON.
	request func(*teller, []outgoing) (address string, body any)
	// A robot answers 200 with a code of its own; 0 is "accepted".
	robot   bool
	tooMany []int64          // codes: too many messages
	busy    []int64          // codes: the robot's own trouble
	hints   map[int64]string // what to look at, for the log
}

// robotText bounds a robot's text. WeCom takes 4096 bytes of markdown, DingTalk
// 5000 characters, Feishu 20 KB of body.
const robotText = 4096

// The robots' codes are those of their documentation: WeCom "群机器人配置说明"
// and "全局错误码", DingTalk "自定义机器人接入" and Feishu "自定义机器人使用指南".
func (o *Outward) targets() []target {
	return []target{
		{name: "webhook", address: o.Webhook, request: webhook},
		{name: "wecom", address: o.WeCom, request: wecom, robot: true, tooMany: []int64{45009}, busy: []int64{-1},
			hints: map[int64]string{93000: "the address's key is wrong, or the robot was removed", 40058: "the message's form"}},
		{name: "dingtalk", address: o.DingTalk, secret: o.DingTalkSecret, request: dingtalk, robot: true, tooMany: []int64{130101, 410100}, busy: []int64{-1},
			hints: map[int64]string{300001: "the address's token is wrong", 400101: "the address's token is wrong", 400102: "the robot is switched off", 400106: "the robot was removed",
				400013: "the group was dissolved", 310000: "the robot's security settings: keyword, signing secret, this till's clock or IP address"}},
		{name: "feishu", address: o.Feishu, secret: o.FeishuSecret, request: feishu, robot: true, tooMany: []int64{11232, 230020, 99991400},
			hints: map[int64]string{19001: "the address's token is wrong, or the robot was removed", 19021: "the signing secret, or this till's clock", 19022: "this till's IP address is not allowed",
				19024: "the robot's keyword", 9499: "the message's form"}},
	}
}

// webhookAlert is an alert as the local API gives it.
type webhookAlert struct {
	Event     string  `json:"event"` // alert.raised or alert.cleared
	ID        int64   `json:"id"`
	Kind      string  `json:"kind"`
	Severity  string  `json:"severity"`
	Title     string  `json:"title"`
	Detail    string  `json:"detail"`
	Action    string  `json:"action"`
	SaleID    string  `json:"sale_id"`
	Account   string  `json:"account"`
	Count     int     `json:"count"`
	RaisedAt  *string `json:"raised_at"`
	LastAt    *string `json:"last_at"`
	ClearedAt *string `json:"cleared_at"`
	AckedAt   *string `json:"acked_at"`
}

type webhookTill struct {
	TillCode       string `json:"till_code"`
	ShopNum        string `json:"shop_num"`
	EnterpriseName string `json:"enterprise_name"`
	Host           string `json:"host"`
}

type webhookOne struct {
	webhookAlert
	Till webhookTill `json:"till"`
}

// webhookMany is several alerts in one.
type webhookMany struct {
	Event  string         `json:"event"` // alert.summary
	Title  string         `json:"title"`
	Count  int            `json:"count"`
	Alerts []webhookAlert `json:"alerts"`
	Till   webhookTill    `json:"till"`
}

func webhook(t *teller, told []outgoing) (string, any) {
	till := webhookTill{t.Store.TillCode(), t.Shop.ShopNum, t.Shop.EnterpriseName, t.Shop.Host}
	var alerts []webhookAlert
	for _, p := range told {
		a := p.alert
		event := "alert.raised"
		if p.news.Cleared {
			event = "alert.cleared"
		}
		alerts = append(alerts, webhookAlert{Event: event, ID: a.ID, Kind: a.Kind, Severity: a.Severity(),
			Title: alertText(a, a.Title, trade.ZH), Detail: alertText(a, a.Detail, trade.ZH), Action: alertText(a, a.Action, trade.ZH),
			SaleID: a.SaleID, Account: hide(a.Account), Count: a.Count,
			RaisedAt: rfc3339(a.Raised), LastAt: rfc3339(a.Last), ClearedAt: rfc3339(a.Cleared), AckedAt: rfc3339(a.Acked)})
	}
	if len(alerts) == 1 {
		return t.address, webhookOne{alerts[0], till}
	}
	return t.address, webhookMany{"alert.summary", messageOf(told, "").title, len(alerts), alerts, till}
}

func rfc3339(ms int64) *string {
	if ms == 0 {
		return nil
	}
	s := time.UnixMilli(ms).In(trade.Beijing).Format(time.RFC3339)
	return &s
}

// till names the till for people.
func (t *teller) till() string {
	var names []string
	for _, n := range []string{t.Shop.EnterpriseName, t.Shop.ShopNum, t.Store.TillCode(), t.Shop.Host} {
		if n != "" {
			names = append(names, n)
		}
	}
	return strings.Join(names, " · ")
}

type markdownText struct {
	Title   string `json:"title,omitempty"`   // DingTalk's: stands in notifications
	Text    string `json:"text,omitempty"`    // DingTalk's
	Content string `json:"content,omitempty"` // WeCom's
}

type markdownBody struct {
	MsgType  string       `json:"msgtype"`
	Markdown markdownText `json:"markdown"`
}

func wecom(t *teller, told []outgoing) (string, any) {
	m := messageOf(told, t.till())
	return t.address, markdownBody{"markdown", markdownText{Content: m.markdown("\n", robotText)}}
}

// dingtalk signs with the time and the secret in the query.
func dingtalk(t *teller, told []outgoing) (string, any) {
	m := messageOf(told, t.till())
	address := t.address
	if u, err := url.Parse(address); err == nil && t.secret != "" {
		at := strconv.FormatInt(time.Now().UnixMilli(), 10)
		q := u.Query()
		q.Set("timestamp", at)
		q.Set("sign", sign(t.secret, at+"\n"+t.secret))
		u.RawQuery = q.Encode()
		address = u.String()
	}
	return address, markdownBody{"markdown", markdownText{Title: m.title, Text: m.markdown("  \n", robotText)}}
}

type feishuText struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

type feishuHeader struct {
	Title    feishuText `json:"title"`
	Template string     `json:"template"` // the colour
}

type feishuElement struct {
	Tag  string     `json:"tag"`
	Text feishuText `json:"text"`
}

type feishuCard struct {
	Header   feishuHeader    `json:"header"`
	Elements []feishuElement `json:"elements"`
}

type feishuBody struct {
	Timestamp string     `json:"timestamp,omitempty"` // seconds
	Sign      string     `json:"sign,omitempty"`
	MsgType   string     `json:"msg_type"`
	Card      feishuCard `json:"card"`
}

// feishu signs with the time and the secret as the key of an empty text.
func feishu(t *teller, told []outgoing) (string, any) {
	m := messageOf(told, t.till())
	body := feishuBody{MsgType: "interactive", Card: feishuCard{
		Header:   feishuHeader{feishuText{"plain_text", m.title}, moods[m.mood].color},
		Elements: []feishuElement{{"div", feishuText{"plain_text", cut(strings.Join(m.lines, "\n"), robotText)}}},
	}}
	if t.secret != "" {
		body.Timestamp = strconv.FormatInt(time.Now().Unix(), 10)
		body.Sign = sign(body.Timestamp+"\n"+t.secret, "")
	}
	return t.address, body
}

// sign is HMAC-SHA256 in base64.
func sign(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// notTold says why a target did not take a message, without its address.
type notTold struct {
	why     string
	refused bool // it will not take it later either, unless somebody acts
	tooMany bool
}

func (e *notTold) Error() string { return e.why }

// mostAnswer bounds what is read of an answer.
const mostAnswer = 64 << 10

// post sends one message; nil is accepted.
func (t *teller) post(stop context.Context, told []outgoing) *notTold {
	ctx, cancel := context.WithTimeout(stop, outwardWithin)
	defer cancel()
	address, content := t.request(t, told)
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(content); err != nil {
		return &notTold{why: "the message has no JSON", refused: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, &body)
	if err != nil {
		return &notTold{why: "the address is not one that can be called", refused: true}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := t.client.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil && t.robot {
		return unreached(err)
	}
	return t.judge(resp.StatusCode, answer)
}

// unreached names what went wrong on the way. The error itself holds the
// address.
func unreached(err error) *notTold {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &notTold{why: fmt.Sprintf("no answer within %v", outwardWithin)}
	case errors.As(err, &dns):
		return &notTold{why: "the name of its address cannot be looked up"}
	case errors.As(err, &cert):
		return &notTold{why: "its certificate is not valid"}
	case errors.As(err, &errno):
		return &notTold{why: "it cannot be reached: " + errno.Error()}
	}
	return &notTold{why: "the connection failed"}
}

// judge says what an answer means.
func (t target) judge(status int, answer []byte) *notTold {
	code, given := int64(0), false
	if t.robot {
		code, given = robotCode(answer)
	}
	hint := ""
	if h := t.hints[code]; given && h != "" {
		hint = " (" + h + ")"
	}
	switch {
	case given && slices.Contains(t.tooMany, code), status == http.StatusTooManyRequests:
		return &notTold{why: "too many messages", tooMany: true}
	case given && slices.Contains(t.busy, code):
		return &notTold{why: fmt.Sprintf("busy, code %d", code)}
	case status == http.StatusRequestTimeout, status >= 500:
		return &notTold{why: fmt.Sprintf("HTTP status %d", status)}
	case given && code != 0:
		return &notTold{why: fmt.Sprintf("refused with code %d%s", code, hint), refused: true}
	case status/100 != 2:
		return &notTold{why: fmt.Sprintf("refused with HTTP status %d", status), refused: true}
	case t.robot && !given:
		return &notTold{why: "an answer that is not the robot's"}
	}
	return nil
}

// robotCode reads the code of a robot's answer: errcode of WeCom and DingTalk,
// code of Feishu, StatusCode of Feishu's older form.
func robotCode(answer []byte) (int64, bool) {
	var a struct {
		ErrCode *int64 `json:"errcode"`
		Code    *int64 `json:"code"`
		Status  *int64 `json:"StatusCode"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return 0, false
	}
	for _, c := range []*int64{a.ErrCode, a.Code, a.Status} {
		if c != nil {
			return *c, true
		}
	}
	return 0, false
}
