package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tillagent/piaotong"
	"tillagent/trade"
	"tillagent/worker"
)

// This file has doctor's checks of the platform.

// noSuchQR is a number of the right form that is never given out: ours begin
// with the platform's prefix and a till code, and no till code has a U.
const noSuchQR = "UUUUUUUUUUUUUUUUUUUU"

// platform makes a call that reads and changes nothing: 2.18 of a number that
// does not exist. That the platform does not know it (5001) says that everything
// on the way is right.
func (d *doctor) platform(ctx context.Context) {
	c := d.cfg.Piaotong
	clock := &worker.Clock{}
	client, err := platformOf(c, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		d.failed(checkCredentials, err.Error(), say("改正 [piaotong]", "correct [piaotong]"))
		return
	}
	defer client.Close()
	if plainHTTP(c) {
		d.note(checkPlatform, say("用明文 http 连接平台(allow_http = true)", "the platform is called over plain http (allow_http = true)"), say("正式环境改用 https", "use https in production"))
	}
	_, err = client.QueryQR(ctx, piaotong.QRRef{TaxpayerNum: c.TaxpayerNum, QRCodeNo: noSuchQR, Amount: "0.01"})
	d.clock(clock, err)
	if d.answer(err) {
		d.accounts(ctx, client)
	}
}

// answer judges the platform's answer; true where it takes our credentials.
func (d *doctor) answer(err error) bool {
	var pe *piaotong.Error
	if err != nil && !errors.As(err, &pe) {
		d.failed(checkPlatform, err.Error(), say("联系技术支持", "call support"))
		return false
	}
	switch {
	case err == nil || pe.Kind == piaotong.NotFound:
		d.ok(checkPlatform, d.cfg.Piaotong.BaseURL)
		d.ok(checkCredentials, say("平台接受我方的编码、签名和密钥", "the platform takes our code, signature and keys"))
		return true
	case pe.NoPath:
		d.failed(checkPlatform, pe.Msg, say("在 [piaotong.endpoints] 写上这个路径", "give this path in [piaotong.endpoints]"))
	case pe.Untrusted:
		d.ok(checkPlatform, d.cfg.Piaotong.BaseURL+say(" 有应答", " answers"))
		d.failed(checkCredentials, say("平台的应答验签不过:", "the platform's answer does not verify: ")+pe.Error(),
			say("核对平台公钥和 3DES 密钥;若经过代理,让代理放行", "check the platform's public key and the 3DES key; if there is a proxy between, have it let the platform through"))
	case pe.Code != "" && pe.Kind == piaotong.Misconfigured:
		d.ok(checkPlatform, d.cfg.Piaotong.BaseURL)
		d.failed(checkCredentials, fmt.Sprintf(say("平台拒绝:%s %s", "the platform refuses: %s %s"), pe.Code, pe.Msg), credentialsHelp(pe.Code, d.cfg.Piaotong.PrivateKeyFile))
	case pe.Code != "":
		d.note(checkPlatform, fmt.Sprintf(say("平台应答 %s %s", "the platform answers %s %s"), pe.Code, pe.Msg), say("稍后再试", "try again later"))
		return true
	default:
		d.failed(checkPlatform, say("连不上平台:", "the platform cannot be reached: ")+pe.Error(),
			say("检查网络、DNS、防火墙和 base_url;断网期间销售照常保存", "check network, DNS, firewall and base_url; meanwhile sales are kept"))
	}
	return false
}

// credentialsHelp says what to do about the platform's refusal; key is the file
// of our private key.
func credentialsHelp(code, key string) string {
	switch code {
	case "9998":
		return say("核对 platform_code(平台编码)", "check platform_code")
	case "9997", "8002", "8001", "8004":
		return say("核对 taxpayer_num,并向票通确认企业已注册启用", "check taxpayer_num, and ask Piaotong whether the enterprise is registered and enabled")
	case "8104":
		return say("请票通把企业绑定到本平台编码", "ask Piaotong to bind the enterprise to this platform code")
	}
	return fmt.Sprintf(say("核对我方私钥和 3DES 密钥,并确认公钥已发给票通;再次显示公钥:agent keygen --public --out \"%s\"",
		"check our private key and the 3DES key, and that Piaotong has our public key, which agent keygen --public --out \"%s\" shows again"), key)
}

// clock compares our clock with the platform's, where it answered.
func (d *doctor) clock(seen *worker.Clock, err error) {
	if pe, ok := errors.AsType[*piaotong.Error](err); ok && pe.Code == "" && !pe.Untrusted {
		d.note(checkClock, say("平台没有应答,无从比对", "the platform did not answer, so there is nothing to compare it with"), say("先解决平台连接", "see to the platform first"))
		return
	}
	skew := seen.Skew() // how much the platform's clock is ahead
	what := fmt.Sprintf(say("本机比平台慢 %s", "behind the platform's by %s"), skew)
	if skew < 0 {
		what = fmt.Sprintf(say("本机比平台快 %s", "ahead of the platform's by %s"), -skew)
	}
	set := say("校准本机时间,并打开自动对时(NTP)", "set this machine's time, and switch on its synchronisation (NTP)")
	switch {
	case seen.Wrong():
		d.failed(checkClock, what, set)
	case skew.Abs() > 2*time.Minute:
		d.note(checkClock, what, set)
	default:
		d.ok(checkClock, what)
	}
}

// accounts asks how the tax accounts stand (2.45).
func (d *doctor) accounts(ctx context.Context, client *piaotong.Client) {
	if !client.HasPath("account_list") {
		return // paths tells it
	}
	got, err := client.Accounts(ctx, d.cfg.Piaotong.TaxpayerNum)
	if err != nil {
		d.note(checkAccounts, err.Error(), say("稍后再试", "try again later"))
		return
	}
	list := make([]trade.Account, len(got))
	for i, a := range got {
		list[i] = trade.Account{Account: a.Account, Name: a.Name, Default: a.Default, Login: trade.AccountNeeded, Auth: trade.AccountNeeded}
		if a.Login == piaotong.LoginOK {
			list[i].Login = trade.AccountOK
		}
		if a.Auth == piaotong.AuthOK {
			list[i].Auth = trade.AccountOK
		}
	}
	do := say("在控制台或票通平台上登录该账号", "log it in, in the console or on the platform")
	issuing, found := trade.Issuing(list, d.cfg.Piaotong.DrawerName)
	if !found {
		d.failed(checkAccounts, say("没有可用于开票的税务账号", "there is no tax account to issue with"), say("在票通平台登记账号,或写上 drawer_name", "register one with the platform, or give drawer_name"))
		return
	}
	for _, a := range list {
		name := mask(a.Account)
		switch {
		case a.Ready():
			d.ok(checkAccounts, name+say(" 已登录", " is logged in"))
		case a.Account == issuing.Account:
			d.failed(checkAccounts, name+say(" 未登录或需认证,开票会被阻塞", " is logged out or needs authentication: invoices wait for it"), do)
		default:
			d.note(checkAccounts, name+say(" 未登录或需认证(不是开票所用的账号)", " is logged out or needs authentication (it is not the one that issues)"), do)
		}
	}
}

// mask leaves of an account, which is often a telephone number, its ends.
func mask(account string) string {
	r := []rune(account)
	if len(r) < 6 {
		return "***"
	}
	return string(r[:3]) + "****" + string(r[len(r)-2:])
}

// paths tells which interfaces have no path.
func (d *doctor) paths() {
	for _, e := range piaotong.EndpointKeys() {
		if e.Default == "" && d.cfg.Piaotong.Endpoints[e.Key] == "" {
			d.note(checkPath, fmt.Sprintf("path not configured: %s (%s)", e.Key, e.Interface),
				say("需要该功能时,把票通标准文档给的路径写进 [piaotong.endpoints]", "if it is needed, put the path from Piaotong's document into [piaotong.endpoints]"))
		}
	}
}
