package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// problems parses a file that must be refused and gives what is wrong with it as "line key".
func problems(t *testing.T, file string, environ ...string) Problems {
	t.Helper()
	c, err := Parse("config.toml", []byte(file), environ)
	var ps *Problems
	if !errors.As(err, &ps) || len(*ps) == 0 {
		t.Fatalf("error = %v, want *Problems", err)
	}
	if c != nil {
		t.Error("a refused configuration was returned")
	}
	return *ps
}

func mustParse(t *testing.T, file string, environ ...string) *Config {
	t.Helper()
	c, err := Parse(filepath.Join(t.TempDir(), "config.toml"), []byte(file), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const platform = `
[piaotong]
platform_code = "TESTCODE"
platform_prefix = "TEST"
taxpayer_num = "91110000TEST00001X"
enterprise_name = "测试商贸有限公司"
des3_key = "$a%b!c@d#e^f&g*h(i)j_k+l"
`

const token32 = "0123456789abcdef0123456789abcdef"

// updateKey64 has the form of a public key: the DER of Ed25519 keys and 32 bytes.
const updateKey64 = "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// TestRefused has one wrong thing in each file. The texts are parts of the Chinese and of the English message.
func TestRefused(t *testing.T) {
	longToken := strings.Repeat("x", 31)
	for _, tc := range []struct {
		file   string
		line   int
		key    string
		zh, en string
	}{
		// Names.
		{"\n[printer]\nboud = 9600", 3, "printer.boud", "是不是 printer.baud", "did you mean printer.baud?"},
		{"[printr]\nbaud = 9600\nport = ''", 1, "printr", "是不是 printer", "did you mean printer?"},
		{"baud = 9600", 1, "baud", "是不是 printer.baud", "did you mean printer.baud?"},
		{"[log]\ndata_dir = '/d'", 2, "log.data_dir", "是不是 data_dir", "did you mean data_dir?"},
		{"[api]\nallow-remote = true", 2, "api.allow-remote", "是不是 api.allow_remote", "did you mean api.allow_remote?"},
		{"[piaotong.endpoints]\nqr_creat = '/x'", 2, "piaotong.endpoints.qr_creat", "是不是 piaotong.endpoints.qr_create", "qr_create?"},
		{"zzz = 1", 1, "zzz", "没有这个键；这里可以写：alerts api backup data_dir", "there is no such key; here may stand: alerts api backup data_dir"},
		{"[log]\nverbose = true", 2, "log.verbose", "这里可以写：level", "here may stand: level"},
		{"[[printers]]\nname = 'bar'\nport = 'COM4'\nzzz = 1", 4, "printers.zzz", "这里可以写：name tickets port", "here may stand: name tickets port"},
		{"'" + strings.Repeat("x", 90) + "' = 1", 1, `"` + strings.Repeat("x", 60) + `…"`, "没有这个键", "there is no such key"},
		{`"api.listen" = "127.0.0.1:1"`, 1, `"api.listen"`, "没有这个键", "there is no such key"},
		{"[api]\nlisten.x = 1", 2, "api.listen", "现在是小节", "is a section"},
		{"[api.listen]\nx = 1", 1, "api.listen", "现在是小节", "is a section"},
		{"api = 5", 1, "api", "只能是小节 [api]", "must be a section [api]"},
		{"[[printer]]\nbaud = 9600", 1, "printer", "只能是小节 [printer]", "must be a section [printer]"},

		// Given twice.
		{"[printer]\nbaud = 9600\nbaud = 9600", 3, "printer.baud", "第 2 行", "line 2"},
		{"[log]\n[tax]\n[log]", 3, "log", "第 1 行", "line 1"},
		{"printer = {baud = 9600, baud = 1200}", 1, "printer.baud", "重复", "twice"},
		{"api.listen = '127.0.0.1:1'\n[api]\nhosts = []", 2, "", "语法错误", "table api already exists"},

		// Syntax.
		{"data_dir = \"C:\\Data\"", 1, "", "第 15 列", "single quotes"},
		{"[printer]\n# 收银\nport = COM3", 3, "", "文字要放在英文引号", "column 8"},
		{"[printer]\nport = \"COM3\nbaud = 1", 2, "", "缺少右引号", "closing quote is missing"},
		{"[api\nlisten = 1", 1, "", "语法错误", "syntax error in column 5"},
		{"[log]\nlevel: 'info'", 2, "", "要有 =", "need = between"},
		{"[log]\n# \xc4\xe3\xba\xc3", 2, "", "UTF-8", "UTF-8"},
		{"\xff\xfe[\x00l\x00", 1, "", "UTF-8", "UTF-8"},

		// Types.
		{"[printer]\nbaud = '9600'", 2, "printer.baud", `1200 到 921600 的整数；现在是 "9600"`, `from 1200 to 921600; is "9600"`},
		{"[printer]\nbaud = 9600.0", 2, "printer.baud", "现在是不带引号的 9600.0", "is 9600.0 without quotes"},
		{"[printer]\nbaud = 99999999999999999999", 2, "printer.baud", "1200 到 921600", "1200 to 921600"},
		{"[printer]\nqr = true", 2, "printer.qr", `"auto" "native" "raster"`, "is true without quotes"},
		{"[printer]\nprofile = 2026-01-01", 2, "printer.profile", "型号名", "profile's name"},
		{"[api]\nallow_remote = 'false'", 2, "api.allow_remote", "true 或 false", "true or false"},
		{"[api]\nhosts = 'till'", 2, "api.hosts", "只能是列表", "must be a list"},
		{"[receipt]\nheader = ['a', 5]", 2, "receipt.header", "只能是列表", "is 5 without quotes"},
		{"[receipt]\nheader = [\n'a',\n\"b\\tc\"]", 4, "receipt.header", "控制字符", "control characters"},
		{"[piaotong]\ntimeout = 10", 2, "piaotong.timeout", `"1s" 到 "120s"`, "is 10 without quotes"},
		{"[tax]\nrate = 0.13", 2, "tax.rate", `"0.13"`, "is 0.13 without quotes"},
		{"data_dir = \"C:\\new\"", 1, "data_dir", "单引号", "single quotes"},

		// Values.
		{"[api]\nlisten = '127.0.0.1'", 2, "api.listen", "IP:端口", "IP:port"},
		{"[api]\nlisten = '127.0.0.1:65536'", 2, "api.listen", "IP:端口", "IP:port"},
		{"[api]\nlisten = '0.0.0.0:17216'", 2, "api.listen", "127.0.0.1 或 [::1]", "api.allow_remote = true"},
		{"[api]\nlisten = '[::]:17216'", 2, "api.listen", "127.0.0.1 或 [::1]", "api.allow_remote = true"},
		{"[api]\nlisten = ':17216'", 2, "api.listen", "IP:端口", "IP:port"},
		{"[api]\nlisten = 'till.example:17216'", 2, "api.listen", "IP:端口", "IP:port"},
		{"[api]\nlisten = '192.0.2.1:17216'\nallow_remote = true", 3, "api.allow_remote", "必须有 TLS", "needs TLS"},
		{"[api]\nlisten = '192.0.2.1:17216'\nallow_remote = true\ntls_cert_file = 'c.pem'", 0, "api.tls_key_file", "都写", "both or not at all"},
		{"[api]\nlisten = '192.0.2.1:17216'\nallow_remote = 1", 3, "api.allow_remote", "true 或 false", "true or false"},
		{"[api]\ntls_key_file = 'k.pem'", 0, "api.tls_cert_file", "都写", "both or not at all"},
		{"[api]\nhosts = ['*']", 2, "api.hosts", "主机名", "host name"},
		{"[api]\nhosts = ['0.0.0.0:17216']", 2, "api.hosts", "主机名", "host name"},
		{"[api]\nhosts = ['2130706433:17216']", 2, "api.hosts", "主机名", "host name"},
		{"[api]\nhosts = ['till.']", 2, "api.hosts", "主机名", "host name"},
		{"[api]\norigins = ['*']", 2, "api.origins", "协议://主机[:端口]", "scheme://host[:port]"},
		{"[api]\norigins = ['null']", 2, "api.origins", "null", "null"},
		{"[api]\norigins = ['https://pos.example.cn/']", 2, "api.origins", "不带路径", "without path"},
		{"[api]\norigins = ['https://*.example.cn']", 2, "api.origins", "不带路径", "without path"},
		{"[api]\norigins = ['https://pos.example.cn:443']", 2, "api.origins", "默认端口", "default port"},
		{"[api]\norigins = ['https://POS.example.cn']", 2, "api.origins", "小写", "lower case"},
		{"[api]\norigins = ['pos.example.cn']", 2, "api.origins", "协议", "scheme"},
		{"[api]\ntokens = ['" + token32 + "']", 2, "api.tokens", "每项只能形如", "every element"},
		{"[api]\ntokens = '" + token32 + "'", 2, "api.tokens", "只能是列表", "must be a list"},
		{"[[api.tokens]]\nname = 'a'\nrole = 'root'\ntoken = '" + token32 + "'", 3, "api.tokens.role", `"pos" "console" "read"`, `"pos"`},
		{"[[api.tokens]]\nname = 'a'\nrole = 'pos'\ntoken = '" + longToken + "'", 4, "api.tokens.token", "32 到 512", "32 to 512"},
		{"[[api.tokens]]\nname = 'a'\nrole = 'pos'", 1, "api.tokens.token", "32 到 512", "32 to 512"},
		{"[[api.tokens]]\nname = ''\nrole = 'pos'\ntoken = '" + token32 + "'", 2, "api.tokens.name", "1 到 64", "1 to 64"},
		{"[[api.tokens]]\nname = 'a'\nrole = 'pos'\ntoken = '" + token32 + "'\nrule = ''", 5, "api.tokens.rule", "是不是 role", "did you mean role"},
		{"[[api.tokens]]\nname = 'a'\nrole = 'pos'\ntoken = '" + token32 + "'\ntoken_file = 5", 5, "api.tokens.token_file", "路径", "path"},
		{"[[api.tokens]]\nname = 'a'\nrole = 'pos'\ntoken = '" + token32 + "'\ntoken_file = 'f'", 5, "api.tokens.token_file", "只能写一个", "together"},
		{"api.tokens = [{name = 'a', role = 'pos', token = '" + token32 + "'},\n{name = 'a', role = 'read', token = '1" + token32 + "'}]", 2, "api.tokens", "重复", "given twice"},
		{"api.tokens = [{name = 'a', role = 'pos', token = '" + token32 + "'},\n{name = 'b', role = 'read', token = '" + token32 + "'}]", 2, "api.tokens", "相同", "another one's"},
		{"[piaotong]\nbase_url = 'ftp://x'", 2, "piaotong.base_url", "https://主机", "https://host"},
		{"[piaotong]\nbase_url = 'https://fpkj.example.cn/tp/openapi'", 2, "piaotong.base_url", "不带路径", "without a path"},
		{"[piaotong]\nbase_url = 'http://fpkj.example.cn'", 2, "piaotong.base_url", "allow_http = true", "allow_http = true"},
		{"[piaotong]\nshop_num = '12345'", 2, "piaotong.shop_num", "6 到 20", "6 to 20"},
		{"[piaotong]\ntill_code = 'ABCDO'", 2, "piaotong.till_code", "不含 I L O U", "without I L O U"},
		{"[piaotong]\ndrawer_name = '一二三四五六七八九十一'", 2, "piaotong.drawer_name", "最多 20 字节", "20 bytes"},
		{"[piaotong]\ncashier_name = '一二三四五六七八a'", 2, "piaotong.cashier_name", "最多 16 字节", "16 bytes"},
		{"[piaotong]\ntimeout = '0.5s'", 2, "piaotong.timeout", `"1s" 到 "120s"`, `"1s" to "120s"`},
		{"[piaotong]\nconcurrency = 33", 2, "piaotong.concurrency", "1 到 32", "1 to 32"},
		{"[piaotong]\nqr_valid = '3651d'", 2, "piaotong.qr_valid", `"1d" 到 "3650d"`, `"1d" to "3650d"`},
		{"[piaotong]\npoll = {fast = '999ms'}", 2, "piaotong.poll.fast", `"1s"`, `"1s"`},
		{"[piaotong]\npoll = {fast = '1m',\n slow = '30s'}", 3, "piaotong.poll.slow", "60s", "must not be less than piaotong.poll.fast (60s)"},
		{"[piaotong]\npoll.fast = '11m'", 2, "piaotong.poll.slow", "660s", "660s"},
		{"[piaotong.endpoints]\nqr_create = 'tp/x'", 2, "piaotong.endpoints.qr_create", "以 / 开头", "starts with /"},
		{"[piaotong.endpoints]\nqr_create = '//evil.example/x'", 2, "piaotong.endpoints.qr_create", "以 / 开头", "starts with /"},
		{"[tax]\ncode = '30704010000000000001'", 2, "tax.code", "3 到 19 位数字", "3 to 19 digits"},
		{"[tax]\nrate = '0.17'", 2, "tax.rate", `"0.13" "0.09" "0.06" "0.05" "0.03" "0.01" "0"`, `"0.13"`},
		{"[printer]\nport = 'COM0'", 2, "printer.port", "COMn", "windows:QUEUE NAME"},
		{"[printer]\nport = 'tcp://10.0.0.9'", 2, "printer.port", "tcp://主机:端口", "tcp://host:port"},
		{"[printer]\nport = 'paper: '", 2, "printer.port", "paper:文件夹", "paper:DIR"},
		{"[printer]\nbaud = 921601", 2, "printer.baud", "1200 到 921600", "is 921601"},
		{"[printer]\ndata_bits = 9", 2, "printer.data_bits", "7 或 8", "7 or 8"},
		{"[printer]\nparity = 'mark'", 2, "printer.parity", `"none" "odd" "even"`, `is "mark"`},
		{"[printer]\nstop_bits = 0", 2, "printer.stop_bits", "1 或 2", "1 or 2"},
		{"[printer]\nflow = 'hw'", 2, "printer.flow", `"xonxoff" "rtscts" "dtrdsr"`, `"none"`},
		{"[printer]\nprofile = ''", 2, "printer.profile", "型号名", "profile's name"},
		{"[printer]\npaper = '76mm'", 2, "printer.paper", `"58mm" "80mm"`, `"58mm" "80mm"`},
		{"[printer]\nconfirm = 'yes'", 2, "printer.confirm", `"process_id"`, `"status"`},
		{"[printer]\ndrawer = 'pin3'", 2, "printer.drawer", `"pin2" "pin5"`, `"none"`},
		{"[receipt]\nqr_wait = '31s'", 2, "receipt.qr_wait", `"0s" 到 "30s"`, `"0s" to "30s"`},
		{"[receipt]\nqr_wait = '1h" + strings.Repeat(" ", 90) + "'", 2, "receipt.qr_wait", "…", "…"},
		{"[receipt]\ndeferred = 'never'", 2, "receipt.deferred", `"on_demand" "slip"`, `"slip"`},
		{"[alerts]\nwecom = 'robot'", 2, "alerts.wecom", "https:// 地址", "https:// address"},
		{"[alerts]\n\nwebhook = 'http://10.0.0.2/alerts'", 3, "alerts.webhook", "http:// 只能到本机", "http:// to this machine alone"},
		{"[alerts]\nfeishu = 'http://127.0.0.1@robot.example/x'", 2, "alerts.feishu", "http:// 只能到本机", "http:// to this machine alone"},
		{"[alerts]\ndingtalk = 'https://'", 2, "alerts.dingtalk", "https:// 地址", "https:// address"},
		{"[alerts]\ndingtalk_secret = 'SEC1'", 2, "alerts.dingtalk_secret", "还要写 alerts.dingtalk", "needs alerts.dingtalk too"},
		{"[alerts]\nfeishu = 'https://robot.example/x'\nfeishu_secret = 'two words'", 3, "alerts.feishu_secret", "不含空格", "without spaces"},
		{"[retention]\nsales = '29d'", 2, "retention.sales", `"30d"`, `"30d"`},
		{"[retention]\nbuyer_data = '-1d'", 2, "retention.buyer_data", `"0s"`, `"0s"`},
		{"[backup]\nkept = 0", 2, "backup.kept", "1 到 365", "1 to 365"},
		{"[update]\nkeys = '" + updateKey64 + "'", 2, "update.keys", "只能是列表", "must be a list"},
		{"[update]\nkeys = ['" + updateKey64 + "',\n'" + updateKey64[1:] + "']", 3, "update.keys", "Ed25519", "MCowBQYDK2VwAyEA"},
		{"[log]\nlevel = 'trace'", 2, "log.level", `"debug" "info" "warn" "error"`, `is "trace"`},
	} {
		t.Run(tc.file, func(t *testing.T) {
			ps := problems(t, tc.file)
			if len(ps) != 1 {
				t.Fatalf("problems:\n%v\nwant one", ps)
			}
			p := ps[0]
			if p.File != "config.toml" || p.Line != tc.line || p.Key != tc.key {
				t.Errorf("at %s:%d %s, want line %d, key %s", p.File, p.Line, p.Key, tc.line, tc.key)
			}
			if !strings.Contains(p.Message, tc.zh) {
				t.Errorf("message %q lacks %q", p.Message, tc.zh)
			}
			if !strings.Contains(p.English, tc.en) {
				t.Errorf("message %q lacks %q", p.English, tc.en)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	for _, tc := range []struct {
		file string
		get  func(*Config) any
		want any
	}{
		{"", func(c *Config) any { return c.API.Listen }, "127.0.0.1:17216"},
		{"\xef\xbb\xbf[log]\r\nlevel = 'warn'\r\n", func(c *Config) any { return c.Log.Level }, "warn"},
		{"api.listen = '[::1]:0'", func(c *Config) any { return c.API.Listen }, "[::1]:0"},
		{"api = {listen = 'localhost:80'}", func(c *Config) any { return c.API.Listen }, "localhost:80"},
		{"[api]\nlisten = '0.0.0.0:1'\nallow_remote = true\ntls_cert_file = '/c'\ntls_key_file = '/k'", func(c *Config) any { return c.API.AllowRemote }, true},
		{"[api]\nhosts = ['till.example', 'till:8080', '192.0.2.7:17216', '[2001:db8::1]:17216']", func(c *Config) any { return len(c.API.Hosts) }, 4},
		{"[api]\norigins = ['https://pos.example.cn', 'http://10.0.0.2:8080', 'capacitor://localhost']", func(c *Config) any { return len(c.API.Origins) }, 3},
		{"[[api.tokens]]\nname = '收银1'\nrole = 'pos'\ntoken = '" + token32 + "'\n[log]\n[[api.tokens]]\nname = 'b'\nrole = 'console'\ntoken = '1" + token32 + "'",
			func(c *Config) any { return c.API.Tokens }, []Token{{"收银1", "pos", token32}, {"b", "console", "1" + token32}}},
		{"[piaotong]\nbase_url = 'http://127.0.0.1:18080/'", func(c *Config) any { return c.Piaotong.BaseURL }, "http://127.0.0.1:18080"},
		{"[piaotong]\nbase_url = 'http://fpkj.testnw.vpiaotong.cn'\nallow_http = true", func(c *Config) any { return c.Piaotong.AllowHTTP }, true},
		{"[piaotong]\ntill_code = '0Z9AK'", func(c *Config) any { return c.Piaotong.TillCode }, "0Z9AK"},
		{"[piaotong]\ndrawer_name = '一二三四五六七八九十'", func(c *Config) any { return c.Piaotong.DrawerName }, "一二三四五六七八九十"},
		{"[piaotong]\nqr_valid = '1d12h'", func(c *Config) any { return c.Piaotong.QRValid }, 36 * time.Hour},
		{"[piaotong.poll]\nfast = '1s'\nslow = '1s'", func(c *Config) any { return c.Piaotong.Poll }, Poll{time.Second, time.Second}},
		{"[piaotong.endpoints]\nred_partial = '/sim/2.37'", func(c *Config) any { return c.Piaotong.Endpoints["red_partial"] }, "/sim/2.37"},
		{"[tax]\ncode = '3070401000000000000'\nrate = '0'", func(c *Config) any { return c.Tax }, Tax{Code: "3070401000000000000", Rate: "0"}},
		{"[printer]\nbaud = 115_200", func(c *Config) any { return c.Printer.Baud }, 115200},
		{"[printer]\nport = 'COM12'", func(c *Config) any { return c.Printer.Port }, "COM12"},
		{"[printer]\nport = 'tcp://[::1]:9100'", func(c *Config) any { return c.Printer.Port }, "tcp://[::1]:9100"},
		{"[printer]\nport = 'usb:/dev/usb/lp0'", func(c *Config) any { return c.Printer.Port }, "usb:/dev/usb/lp0"},
		{"[printer]\nport = 'windows:前台 小票'", func(c *Config) any { return c.Printer.Port }, "windows:前台 小票"},
		{"[receipt]\nheader = ['欢迎', '']\nqr_wait = '0s'", func(c *Config) any { return c.Receipt.Header }, []string{"欢迎", ""}},
		{"[alerts]\ndingtalk = 'https://robot.example/send?access_token=abc'", func(c *Config) any { return c.Alerts.DingTalk.Reveal() }, "https://robot.example/send?access_token=abc"},
		{"[alerts]\nwebhook = 'http://127.0.0.1:8080/a'", func(c *Config) any { return c.Alerts.Webhook.Reveal() }, "http://127.0.0.1:8080/a"},
		{"[alerts]\nwebhook = 'http://[::1]/a'", func(c *Config) any { return c.Alerts.Webhook.Reveal() }, "http://[::1]/a"},
		{"[alerts]\nwebhook = 'http://localhost/a'", func(c *Config) any { return c.Alerts.Webhook.Reveal() }, "http://localhost/a"},
		{"[alerts]\ndingtalk = 'https://robot.example/x'\ndingtalk_secret = 'SEC1'", func(c *Config) any { return c.Alerts.DingTalkSecret.Reveal() }, "SEC1"},
		{"[alerts]\nfeishu = 'https://robot.example/x'\nfeishu_secret = 'abc'", func(c *Config) any { return c.Alerts.FeishuSecret.Reveal() }, "abc"},
		{"[update]\nkeys = ['" + updateKey64 + "']", func(c *Config) any { return c.Update.Keys }, []string{updateKey64}},
		{"[retention]\nbuyer_data = '0s'", func(c *Config) any { return c.Retention.BuyerData }, time.Duration(0)},
	} {
		t.Run(tc.file, func(t *testing.T) {
			if got := tc.get(mustParse(t, tc.file)); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestAllAtOnce has many wrong things in one file, up to a syntax error; everything before it must be told.
func TestAllAtOnce(t *testing.T) {
	ps := problems(t, `[api]
listen = "everywhere"
[printr]
baud = 1
[printer]
baud = 12
qr = 5
[piaotong]
platform_code = "short"
[printer]
level = "info
`, "AGENT_LOG_LEVEL=loud", "AGENT_PRINTER_BOUD=1")
	var got []string
	for _, p := range ps {
		got = append(got, fmt.Sprint(p.File, " ", p.Line, " ", p.Key))
	}
	want := []string{
		"config.toml 2 api.listen", "config.toml 3 printr", "config.toml 6 printer.baud", "config.toml 7 printer.qr",
		"config.toml 9 piaotong.platform_code", "config.toml 10 printer", "config.toml 11 ",
		"AGENT_LOG_LEVEL 0 log.level", "AGENT_PRINTER_BOUD 0 ",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestProblemsText(t *testing.T) {
	ps := Problems{
		{File: "config.toml", Line: 12, Key: "printer.baud", Message: "只能是整数", English: "must be a whole number"},
		{File: "AGENT_X", Message: "没有这个键", English: "there is no such key"},
	}
	for _, tc := range []struct{ got, want string }{
		{ps.Error(), "config.toml:12: printer.baud: 只能是整数  (must be a whole number)\nAGENT_X: 没有这个键  (there is no such key)"},
		{ps.In("zh-CN"), "config.toml:12: printer.baud: 只能是整数\nAGENT_X: 没有这个键"},
		{ps.In("en"), "config.toml:12: printer.baud: must be a whole number\nAGENT_X: there is no such key"},
	} {
		if tc.got != tc.want {
			t.Errorf("got  %q\nwant %q", tc.got, tc.want)
		}
	}
}

// TestPlatform: the platform's parameters are given all or none.
func TestPlatform(t *testing.T) {
	if mustParse(t, "").Piaotong.Configured() {
		t.Error("an empty file counts as set up")
	}
	if mustParse(t, "[piaotong]\ntill_code = 'AAAAA'\nbase_url = ''").Piaotong.Configured() {
		t.Error("a till code counts as set up")
	}
	if c := mustParse(t, platform); !c.Piaotong.Configured() || c.Piaotong.DES3Key.Reveal() != "$a%b!c@d#e^f&g*h(i)j_k+l" {
		t.Errorf("not set up: %+v", c.Piaotong)
	}
	for line, key := range map[string]string{
		"platform_code =": "piaotong.platform_code", "platform_prefix": "piaotong.platform_prefix", "taxpayer_num": "piaotong.taxpayer_num",
		"enterprise_name": "piaotong.enterprise_name", "des3_key": "piaotong.des3_key",
	} {
		ps := problems(t, strings.Replace(platform, line, "#", 1))
		if len(ps) != 1 || ps[0].Key != key || ps[0].Line != 0 || !strings.Contains(ps[0].Message, "缺少") {
			t.Errorf("without %s:\n%v", key, ps)
		}
	}
	ps := problems(t, platform+"base_url = ''\nprivate_key_file = ''\nplatform_public_key_file = ''")
	if len(ps) != 3 || ps[0].Line != 8 || ps[2].Key != "piaotong.platform_public_key_file" {
		t.Errorf("without address and keys:\n%v", ps)
	}
	ps = problems(t, "[piaotong]\nplatform_code = 'x'\nbase_url = 'http://fpkj.example.cn'", "AGENT_PIAOTONG_TIMEOUT=x")
	if len(ps) != 7 || ps[0].Line != 2 || ps[1].Line != 3 || ps[2].File != "AGENT_PIAOTONG_TIMEOUT" || ps[6].Key != "piaotong.des3_key" {
		t.Errorf("only a wrong code:\n%v", ps)
	}
	// A parameter that is wrong is not missing as well, and the rest of a cut file is not missed.
	ps = problems(t, strings.Replace(platform, `"TEST"`, `"TESTS"`, 1))
	if len(ps) != 1 || ps[0].Key != "piaotong.platform_prefix" || ps[0].Line != 4 {
		t.Errorf("wrong prefix:\n%v", ps)
	}
	ps = problems(t, "[piaotong]\nplatform_code = 'TESTCODE'\nx y")
	if len(ps) != 1 || ps[0].Line != 3 {
		t.Errorf("cut file:\n%v", ps)
	}
}

func TestParseDuration(t *testing.T) {
	for _, tc := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"10s", 10 * time.Second, true},
		{"1.5s", 1500 * time.Millisecond, true},
		{"180d", 180 * day, true},
		{"1d12h", 36 * time.Hour, true},
		{"0d", 0, true},
		{"0", 0, true},
		{"", 0, false},
		{"10", 0, false},
		{"d", 0, false},
		{"1.5d", 0, false},
		{"-1d", 0, false},
		{"-1s", 0, false},
		{"1d-1h", 0, false},
		{"+1s", 0, false},
		{"12h1d", 0, false},
		{"1d1d", 0, false},
		{" 1s", 0, false},
		{"65536d", 0, false},
		{"65535d2562047h", 0, false}, // overflows
		{"1 day", 0, false},
	} {
		if got, ok := parseDuration(tc.text); got != tc.want || ok != tc.ok {
			t.Errorf("parseDuration(%q) = %v, %v; want %v, %v", tc.text, got, ok, tc.want, tc.ok)
		}
	}
}
