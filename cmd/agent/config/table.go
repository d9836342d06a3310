package config

import (
	"slices"
	"strings"
	"time"
)

// setting is one key of the configuration. The table of them is all that the reader, the environment and the defaults
// know about keys.
type setting struct {
	path   string                 // such as printer.baud
	want   text                   // what is allowed
	secret bool                   // path_file may name a file that holds it
	hide   bool                   // problems do not show what was given
	get    func(*Config) Secret   // the text of a secret; nil = it is none
	reset  func(*Config)          // puts the default
	set    func(*loader, value)   // checks a value and stores it, or records the problem
	locate func(*Config, locator) // makes the path in it absolute; nil = it holds none
}

// locator makes a path absolute: a relative one starts at the folder of the configuration file.
type locator func(path string) string

// env is the name of the environment variable that sets the key.
func (s *setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.path, ".", "_"))
}

// key makes the setting of a single value.
func key[T any](path string, field func(*Config) *T, initial T, r rule[T]) *setting {
	s := &setting{path: path, want: r.want, reset: func(c *Config) { *field(c) = initial }}
	if _, s.secret = any(initial).(Secret); s.secret {
		s.hide = true
		s.get = func(c *Config) Secret { return any(*field(c)).(Secret) }
	}
	s.set = func(l *loader, v value) {
		if s.secret {
			l.inline[path] = v.text != ""
		}
		if t, ok := decode[T](v); ok && r.ok(t) {
			*field(l.config) = t
			return
		}
		l.refuse(s, v)
	}
	return s
}

// hidden keeps what was given out of problems, which end in logs.
func hidden(s *setting) *setting {
	s.hide = true
	return s
}

// file makes the setting of a path.
func file(path string, field func(*Config) *string, initial string) *setting {
	s := key(path, field, initial, anyPath)
	s.locate = func(c *Config, absolute locator) { *field(c) = absolute(*field(c)) }
	return s
}

// printerPort makes the setting of the port, of which one form holds a path.
func printerPort(path string, field func(*Config) *string) *setting {
	s := key(path, field, "", portForm)
	s.locate = func(c *Config, absolute locator) {
		if dir, found := strings.CutPrefix(*field(c), "paper:"); found {
			*field(c) = "paper:" + absolute(dir)
		}
	}
	return s
}

// list makes the setting of a list of texts, of which each follows the rule.
func list(path string, field func(*Config) *[]string, r rule[string]) *setting {
	s := &setting{path: path, reset: func(c *Config) { *field(c) = nil }}
	s.want = text{"只能是列表，每一项" + r.want.zh, "must be a list, every element " + r.want.en}
	s.set = func(l *loader, v value) {
		elements, ok := v.elements()
		if !ok {
			l.refuse(s, v)
			return
		}
		var texts []string
		for _, e := range elements {
			t, ok := decode[string](e)
			if !ok || !r.ok(t) {
				l.refuse(s, e)
				continue
			}
			texts = append(texts, t)
		}
		*field(l.config) = texts
	}
	return s
}

// endpointPaths are the key names of the protocol's table of paths. Those without a path here are told to the partner
// by the platform and have no default.
var endpointPaths = [][2]string{
	{"enterprise_register", "/tp/openapi/register.pt"},
	{"enterprise_info", "/tp/openapi/getEnterpriseInfo.pt"},
	{"account_register", "/tp/openapi/registerUser.pt"},
	{"account_sms_code", ""},
	{"account_sms_login", ""},
	{"account_auth_qr", ""},
	{"account_auth_qr_status", ""},
	{"account_auth_status", ""},
	{"invoice_blue", "/tp/openapi/invoiceBlue.pt"},
	{"invoice_red_full", "/tp/openapi/invoiceRed.pt"},
	{"invoice_query", "/tp/openapi/queryInvoice.pt"},
	{"invoice_query_full", "/tp/openapi/queryInvoiceInfo.pt"},
	{"push_main", ""}, // our own path for the platform's messages
	{"invoice_file", "/tp/openapi/getAllEleInvFile.pt"},
	{"qr_create", "/tp/openapi/getInvoiceIssueQrcode.pt"},
	{"qr_void", "/tp/openapi/batchDelInvoiceQrcode.pt"},
	{"qr_query", "/tp/openapi/queryQrcodeInvoiceInfo.pt"},
	{"red_apply", ""},
	{"red_view", ""},
	{"red_issue", ""},
	{"red_review", ""},
	{"red_cancel", ""},
	{"red_list", ""},
	{"red_list_result", ""},
	{"red_init", ""},
	{"red_partial", ""},
	{"account_list", ""},
	{"account_logout", ""},
}

var endpointPath = matching(`|/[0-9A-Za-z._~-][0-9A-Za-z._~/-]*`, "只能是以 / 开头的路径，或空", "must be a path that starts with /, or empty")

// endpoints makes the settings of the platform's paths, which share one map.
func endpoints(section string) []*setting {
	var all []*setting
	for _, e := range endpointPaths {
		name, initial := e[0], e[1]
		put := func(c *Config, path string) {
			if path == "" {
				delete(c.Piaotong.Endpoints, name)
				return
			}
			c.Piaotong.Endpoints[name] = path
		}
		s := &setting{path: section + "." + name, want: endpointPath.want}
		s.reset = func(c *Config) { put(c, initial) }
		s.set = func(l *loader, v value) {
			path, ok := decode[string](v)
			if !ok || !endpointPath.ok(path) {
				l.refuse(s, v)
				return
			}
			put(l.config, path)
		}
		all = append(all, s)
	}
	return all
}

var (
	eightCode  = matching(`|[0-9A-Za-z]{8}`, "只能是 8 位字母或数字，或空", "must be 8 letters or digits, or empty")
	fourCode   = matching(`|[0-9A-Za-z]{4}`, "只能是 4 位字母或数字，或空", "must be 4 letters or digits, or empty")
	taxpayer   = matching(`|[0-9A-Z]{15,20}`, "只能是 15 到 20 位数字或大写字母，或空", "must be 15 to 20 digits or capital letters, or empty")
	enterprise = rule[string]{text{"只能是 4 到 100 个字，或空", "must be 4 to 100 characters, or empty"}, func(s string) bool { return s == "" || chars(s, 4, 100) }}
	shop       = matching(`|[0-9A-Za-z]{6,20}`, "只能是 6 到 20 位字母或数字，或空", "must be 6 to 20 letters or digits, or empty")
	till       = matching(`|[0-9A-HJKMNP-TV-Z]{5}`, "只能是 5 位数字或大写字母（不含 I L O U），或空", "must be 5 digits or capital letters without I L O U, or empty")
	taxCode    = matching(`|[0-9]{3,19}`, "只能是 3 到 19 位数字（带引号），或空", "must be 3 to 19 digits in quotes, or empty")
	updateKey  = matching(`MCowBQYDK2VwAyEA[0-9A-Za-z+/]{43}=`, "只能是 Ed25519 公钥（PEM 文件中间那一行，以 MCowBQYDK2VwAyEA 开头）", "must be a public Ed25519 key (the line within its PEM file, which begins with MCowBQYDK2VwAyEA)")
	profile    = rule[string]{text{`只能是 "auto" 或型号名`, `must be "auto" or a profile's name`}, func(s string) bool { return chars(s, 1, 64) }}
)

// printerSettings are of [printer], and of each of [[printers]].
var printerSettings = []*setting{
	printerPort("printer.port", func(c *Config) *string { return &c.Printer.Port }),
	key("printer.baud", func(c *Config) *int { return &c.Printer.Baud }, 9600, between(1200, 921600)),
	key("printer.data_bits", func(c *Config) *int { return &c.Printer.DataBits }, 8, either(7, 8)),
	key("printer.parity", func(c *Config) *string { return &c.Printer.Parity }, "none", oneOf("none", "odd", "even")),
	key("printer.stop_bits", func(c *Config) *int { return &c.Printer.StopBits }, 1, either(1, 2)),
	key("printer.flow", func(c *Config) *string { return &c.Printer.Flow }, "none", oneOf("none", "xonxoff", "rtscts", "dtrdsr")),
	key("printer.driver", func(c *Config) *string { return &c.Printer.Driver }, "tarm", oneOf("tarm", "bugst")),
	key("printer.profile", func(c *Config) *string { return &c.Printer.Profile }, "auto", profile),
	file("printer.profiles", func(c *Config) *string { return &c.Printer.Profiles }, ""),
	key("printer.paper", func(c *Config) *string { return &c.Printer.Paper }, "80mm", oneOf("58mm", "80mm")),
	key("printer.qr", func(c *Config) *string { return &c.Printer.QR }, "auto", oneOf("auto", "native", "raster")),
	key("printer.confirm", func(c *Config) *string { return &c.Printer.Confirm }, "auto", oneOf("auto", "process_id", "status", "none")),
	key("printer.beeper", func(c *Config) *bool { return &c.Printer.Beeper }, false, yesOrNo),
	key("printer.drawer", func(c *Config) *string { return &c.Printer.Drawer }, "none", oneOf("none", "pin2", "pin5")),
}

var settings = withFiles(slices.Concat(
	[]*setting{
		file("data_dir", func(c *Config) *string { return &c.DataDir }, defaultDataDir()),

		key("api.listen", func(c *Config) *string { return &c.API.Listen }, "127.0.0.1:17216", listenAddress),
		list("api.hosts", func(c *Config) *[]string { return &c.API.Hosts }, servedHost),
		list("api.origins", func(c *Config) *[]string { return &c.API.Origins }, webOrigin),
		tokens("api.tokens", func(c *Config) *[]Token { return &c.API.Tokens }),
		key("api.allow_remote", func(c *Config) *bool { return &c.API.AllowRemote }, false, yesOrNo),
		file("api.tls_cert_file", func(c *Config) *string { return &c.API.TLSCertFile }, ""),
		file("api.tls_key_file", func(c *Config) *string { return &c.API.TLSKeyFile }, ""),

		key("piaotong.base_url", func(c *Config) *string { return &c.Piaotong.BaseURL }, "https://fpkj.vpiaotong.com", baseURL),
		key("piaotong.allow_http", func(c *Config) *bool { return &c.Piaotong.AllowHTTP }, false, yesOrNo),
		key("piaotong.platform_code", func(c *Config) *string { return &c.Piaotong.PlatformCode }, "", eightCode),
		key("piaotong.platform_prefix", func(c *Config) *string { return &c.Piaotong.PlatformPrefix }, "", fourCode),
		hidden(key("piaotong.taxpayer_num", func(c *Config) *string { return &c.Piaotong.TaxpayerNum }, "", taxpayer)),
		key("piaotong.enterprise_name", func(c *Config) *string { return &c.Piaotong.EnterpriseName }, "", enterprise),
		key("piaotong.shop_num", func(c *Config) *string { return &c.Piaotong.ShopNum }, "", shop),
		key("piaotong.till_code", func(c *Config) *string { return &c.Piaotong.TillCode }, "", till),
		key("piaotong.drawer_name", func(c *Config) *string { return &c.Piaotong.DrawerName }, "", inGBK(20)),
		key("piaotong.cashier_name", func(c *Config) *string { return &c.Piaotong.CashierName }, "", inGBK(16)),
		key("piaotong.reviewer_name", func(c *Config) *string { return &c.Piaotong.ReviewerName }, "", inGBK(16)),
		key("piaotong.des3_key", func(c *Config) *Secret { return &c.Piaotong.DES3Key }, "", des3Key),
		file("piaotong.private_key_file", func(c *Config) *string { return &c.Piaotong.PrivateKeyFile }, "private.pem"),
		file("piaotong.platform_public_key_file", func(c *Config) *string { return &c.Piaotong.PlatformPublicKeyFile }, "platform.pem"),
		key("piaotong.timeout", func(c *Config) *time.Duration { return &c.Piaotong.Timeout }, 10*time.Second, lasting(time.Second, 120*time.Second)),
		key("piaotong.concurrency", func(c *Config) *int { return &c.Piaotong.Concurrency }, 4, between(1, 32)),
		key("piaotong.qr_valid", func(c *Config) *time.Duration { return &c.Piaotong.QRValid }, 180*day, lasting(day, 3650*day)),
		key("piaotong.poll.fast", func(c *Config) *time.Duration { return &c.Piaotong.Poll.Fast }, 15*time.Second, lasting(time.Second, day)),
		key("piaotong.poll.slow", func(c *Config) *time.Duration { return &c.Piaotong.Poll.Slow }, 10*time.Minute, lasting(time.Second, day)),
	},
	endpoints("piaotong.endpoints"),
	[]*setting{
		key("tax.code", func(c *Config) *string { return &c.Tax.Code }, "", taxCode),
		key("tax.rate", func(c *Config) *string { return &c.Tax.Rate }, "", taxRate),
		file("tax.catalogue", func(c *Config) *string { return &c.Tax.Catalogue }, ""),
	},
	printerSettings,
	[]*setting{
		printers("printers"),

		list("receipt.header", func(c *Config) *[]string { return &c.Receipt.Header }, anyText),
		list("receipt.footer", func(c *Config) *[]string { return &c.Receipt.Footer }, anyText),
		file("receipt.logo", func(c *Config) *string { return &c.Receipt.Logo }, ""),
		file("receipt.template", func(c *Config) *string { return &c.Receipt.Template }, ""),
		key("receipt.training", func(c *Config) *bool { return &c.Receipt.Training }, false, yesOrNo),
		key("receipt.qr_wait", func(c *Config) *time.Duration { return &c.Receipt.QRWait }, 1500*time.Millisecond, lasting(0, 30*time.Second)),
		key("receipt.deferred", func(c *Config) *string { return &c.Receipt.Deferred }, "on_demand", oneOf("on_demand", "slip")),

		file("dropbox.dir", func(c *Config) *string { return &c.Dropbox.Dir }, ""),

		key("alerts.webhook", func(c *Config) *Secret { return &c.Alerts.Webhook }, "", alertURL),
		key("alerts.wecom", func(c *Config) *Secret { return &c.Alerts.WeCom }, "", alertURL),
		key("alerts.dingtalk", func(c *Config) *Secret { return &c.Alerts.DingTalk }, "", alertURL),
		key("alerts.dingtalk_secret", func(c *Config) *Secret { return &c.Alerts.DingTalkSecret }, "", robotSecret),
		key("alerts.feishu", func(c *Config) *Secret { return &c.Alerts.Feishu }, "", alertURL),
		key("alerts.feishu_secret", func(c *Config) *Secret { return &c.Alerts.FeishuSecret }, "", robotSecret),

		key("retention.buyer_data", func(c *Config) *time.Duration { return &c.Retention.BuyerData }, 30*day, lasting(0, 36500*day)),
		key("retention.sales", func(c *Config) *time.Duration { return &c.Retention.Sales }, 1830*day, lasting(30*day, 36500*day)),

		file("backup.dir", func(c *Config) *string { return &c.Backup.Dir }, ""),
		key("backup.kept", func(c *Config) *int { return &c.Backup.Kept }, 7, between(1, 365)),

		list("update.keys", func(c *Config) *[]string { return &c.Update.Keys }, updateKey),

		key("log.level", func(c *Config) *string { return &c.Log.Level }, "info", oneOf("debug", "info", "warn", "error")),
	},
))

// withFiles adds to each secret the key that names a file holding it.
func withFiles(settings []*setting) []*setting {
	var all []*setting
	for _, s := range settings {
		all = append(all, s)
		if !s.secret {
			continue
		}
		f := &setting{path: s.path + "_file", want: anyPath.want, hide: true, reset: func(*Config) {}}
		f.set = func(l *loader, v value) {
			path, ok := decode[string](v)
			if !ok {
				l.refuse(f, v)
				return
			}
			if path == "" {
				return
			}
			l.secretFiles[s.path] = secretFile{path, v.at}
			if v.at.file == l.name {
				l.named[s.path] = path
			}
		}
		all = append(all, f)
	}
	return all
}
