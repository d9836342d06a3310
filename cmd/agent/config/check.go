package config

import "net"

// checkTogether checks what single keys cannot: values that depend on each other. Missing keys are reported only where
// the whole file was read.
func (l *loader) checkTogether(complete bool) {
	l.checkListen()
	l.checkPlatform(complete)
	l.checkAlerts()
	l.checkPorts()
	poll := l.config.Piaotong.Poll
	if poll.Fast > poll.Slow && !l.failed("piaotong.poll.fast") && !l.failed("piaotong.poll.slow") {
		l.problem(l.where("piaotong.poll.slow", "piaotong.poll.fast"), "piaotong.poll.slow",
			"不能小于 piaotong.poll.fast（"+formatDuration(poll.Fast)+"）",
			"must not be less than piaotong.poll.fast ("+formatDuration(poll.Fast)+")")
	}
}

// where gives the place of the first of the keys that was given, else the file as a whole.
func (l *loader) where(keys ...string) place {
	for _, k := range keys {
		if at, found := l.given[k]; found {
			return at
		}
	}
	return place{file: l.name}
}

func (l *loader) checkListen() {
	api := l.config.API
	if (api.TLSCertFile == "") != (api.TLSKeyFile == "") {
		missing := "api.tls_cert_file"
		if api.TLSKeyFile == "" {
			missing = "api.tls_key_file"
		}
		l.problem(l.where(missing), missing, "api.tls_cert_file 和 api.tls_key_file 要写就都写",
			"api.tls_cert_file and api.tls_key_file are given both or not at all")
	}
	if api.AllowRemote && api.TLSCertFile == "" && api.TLSKeyFile == "" {
		l.problem(l.where("api.allow_remote"), "api.allow_remote",
			"允许远程访问必须有 TLS：还要写 api.tls_cert_file 和 api.tls_key_file",
			"remote access needs TLS: give api.tls_cert_file and api.tls_key_file too")
	}
	if host, _, err := net.SplitHostPort(api.Listen); err == nil && !isLoopback(host) && !api.AllowRemote && !l.failed("api.allow_remote") {
		l.problem(l.where("api.listen"), "api.listen",
			"只能是本机地址 127.0.0.1 或 [::1]；要接受远程访问，请写 api.allow_remote = true 并配好 TLS",
			"must be 127.0.0.1 or [::1]; for remote access set api.allow_remote = true with TLS")
	}
}

// checkAlerts finds signing secrets of robots that have no address.
func (l *loader) checkAlerts() {
	a := l.config.Alerts
	for _, r := range []struct {
		key             string
		address, secret Secret
	}{{"alerts.dingtalk", a.DingTalk, a.DingTalkSecret}, {"alerts.feishu", a.Feishu, a.FeishuSecret}} {
		if key := r.key + "_secret"; r.secret != "" && r.address == "" && !l.failed(r.key) {
			l.problem(l.where(key, key+"_file"), key, "还要写 "+r.key+"，或者去掉这个密钥", "needs "+r.key+" too, or goes")
		}
	}
}

type parameter struct{ key, value string }

// required are the parameters that the platform cannot be called without.
func (p Piaotong) required() []parameter {
	return append(p.credentials(),
		parameter{"piaotong.base_url", p.BaseURL},
		parameter{"piaotong.private_key_file", p.PrivateKeyFile},
		parameter{"piaotong.platform_public_key_file", p.PlatformPublicKeyFile})
}

// credentials are those of the required parameters that have no default: any of them given means that the platform is
// meant to be set up.
func (p Piaotong) credentials() []parameter {
	return []parameter{
		{"piaotong.platform_code", p.PlatformCode},
		{"piaotong.platform_prefix", p.PlatformPrefix},
		{"piaotong.taxpayer_num", p.TaxpayerNum},
		{"piaotong.enterprise_name", p.EnterpriseName},
		{"piaotong.des3_key", p.DES3Key.Reveal()},
	}
}

func (l *loader) checkPlatform(complete bool) {
	p := l.config.Piaotong
	if u := parseURL(p.BaseURL); u.Scheme == "http" && !isLoopback(u.Hostname()) && !p.AllowHTTP && !l.failed("piaotong.allow_http") {
		l.problem(l.where("piaotong.base_url"), "piaotong.base_url",
			"只能是 https://；平台自己的 http 测试环境要写 piaotong.allow_http = true",
			"must be https://; the platform's own http test environment needs piaotong.allow_http = true")
	}
	started := false
	for _, c := range p.credentials() {
		started = started || c.value != "" || l.failed(c.key)
	}
	if !started || !complete {
		return
	}
	for _, r := range p.required() {
		if r.value == "" && !l.failed(r.key) {
			l.problem(l.where(r.key), r.key, "缺少：[piaotong] 的参数要么写全，要么都不写",
				"is missing: the parameters of [piaotong] are given all or none")
		}
	}
}
