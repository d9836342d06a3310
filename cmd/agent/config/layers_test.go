package config

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestEnvironment(t *testing.T) {
	c := mustParse(t, platform+"[printer]\nbaud = 1200\n[receipt]\nheader = ['file']\n[log]\nlevel = 'warn'",
		"AGENT_DATA_DIR=/srv/till",
		"AGENT_API_LISTEN=[::1]:18000",
		"AGENT_API_ORIGINS=https://a.example, https://b.example,",
		"AGENT_API_TOKENS=pos:pos:"+token32+",web:read:x:"+token32,
		"AGENT_PIAOTONG_ALLOW_HTTP=true",
		"AGENT_PIAOTONG_DES3_KEY=%PATH%$HOME%x$y%z$1%2$34",
		"AGENT_PIAOTONG_POLL_FAST=20s",
		"AGENT_PIAOTONG_ENDPOINTS_RED_PARTIAL=/sim/2.37",
		"AGENT_PIAOTONG_ENDPOINTS_QR_VOID=",
		"AGENT_PRINTER_BAUD=115200",
		"AGENT_RECEIPT_HEADER=",
		"AGENT_HOME=/opt", "AGENT_TAXI=1", "AGENT_API=1", "PATH=/bin", "odd", "",
	)
	for _, tc := range []struct{ got, want any }{
		{c.DataDir, "/srv/till"},
		{c.API.Listen, "[::1]:18000"},
		{c.API.Origins, []string{"https://a.example", "https://b.example"}},
		{c.API.Tokens, []Token{{"pos", "pos", token32}, {"web", "read", "x:" + token32}}},
		{c.Piaotong.AllowHTTP, true},
		{c.Piaotong.DES3Key.Reveal(), "%PATH%$HOME%x$y%z$1%2$34"},
		{c.Piaotong.PlatformCode, "TESTCODE"},
		{c.Piaotong.Poll, Poll{20 * time.Second, 10 * time.Minute}},
		{c.Piaotong.Endpoints["red_partial"], "/sim/2.37"},
		{c.Piaotong.Endpoints["qr_void"], ""},
		{c.Printer.Baud, 115200},
		{len(c.Receipt.Header), 0},
		{c.Log.Level, "warn"},
	} {
		if runtime.GOOS == "windows" && tc.got == c.DataDir {
			continue // rooted, but without a drive
		}
		if !reflect.DeepEqual(tc.got, tc.want) {
			t.Errorf("got %v, want %v", tc.got, tc.want)
		}
	}
}

func TestEnvironmentRefused(t *testing.T) {
	for _, tc := range []struct{ variable, key, zh, en string }{
		{"AGENT_PRINTER_BAUD=fast", "printer.baud", `1200 到 921600 的整数；现在是 "fast"`, `is "fast"`},
		{"AGENT_PRINTER_BAUD=", "printer.baud", "1200 到 921600", "1200 to 921600"},
		{"AGENT_API_ALLOW_REMOTE=yes", "api.allow_remote", "true 或 false", "true or false"},
		{"AGENT_API_LISTEN=0.0.0.0:17216", "api.listen", "127.0.0.1", "127.0.0.1"},
		{"AGENT_API_ORIGINS=https://a.example,*", "api.origins", `现在是 "*"`, `is "*"`},
		{"AGENT_API_TOKENS=pos:pos", "api.tokens.token", "32 到 512", "32 to 512"},
		{"AGENT_PIAOTONG_TIMEOUT=10", "piaotong.timeout", "1s", "120s"},
		{"AGENT_API_LISTN=x", "", "是不是 AGENT_API_LISTEN", "did you mean AGENT_API_LISTEN?"},
		{"AGENT_PIAOTONG_FOO=x", "", "没有这个键", "no such key"},
		{"AGENT_PRINTER_PROFILE=\xff", "printer.profile", "型号名", "profile's name"},
	} {
		name, _, _ := strings.Cut(tc.variable, "=")
		ps := problems(t, "", tc.variable)
		if len(ps) != 1 || ps[0].File != name || ps[0].Line != 0 || ps[0].Key != tc.key ||
			!strings.Contains(ps[0].Message, tc.zh) || !strings.Contains(ps[0].English, tc.en) {
			t.Errorf("%s:\n%v", tc.variable, ps)
		}
	}
}

func TestVariablesAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, s := range settings {
		if other := seen[s.env()]; other != "" {
			t.Errorf("%s and %s are both set by %s", other, s.path, s.env())
		}
		seen[s.env()] = s.path
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("des3.txt", "file-key-of-24-chars-$%!\r\n")
	write("token.txt", token32+"\n")
	write("robot.txt", "\xef\xbb\xbfhttps://robot.example/?key=1\n")
	write("short.txt", "too short\n")
	write("two.txt", "file-key-of-24\nchars-$%!")
	write("long.txt", strings.Repeat("x", mostSecret+1))
	config := filepath.Join(dir, "config.toml")
	inFile := strings.Replace(platform, `des3_key = "$a%b!c@d#e^f&g*h(i)j_k+l"`, `des3_key_file = "des3.txt"`, 1)

	c, err := Parse(config, []byte(inFile+"[alerts]\nwecom_file = 'robot.txt'\nfeishu_file = ''\n[[api.tokens]]\nname = 'pos'\nrole = 'pos'\ntoken_file = 'token.txt'"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Piaotong.DES3Key.Reveal() != "file-key-of-24-chars-$%!" || c.Alerts.WeCom.Reveal() != "https://robot.example/?key=1" ||
		len(c.API.Tokens) != 1 || c.API.Tokens[0].Token.Reveal() != token32 {
		t.Errorf("secrets were read wrongly: %q %q", c.Piaotong.DES3Key.Reveal(), c.Alerts.WeCom.Reveal())
	}

	// The environment overrides the file's secret in both of its forms.
	for _, tc := range []struct{ file, variable, want string }{
		{inFile, "AGENT_PIAOTONG_DES3_KEY=env-key-of-24-characters", "env-key-of-24-characters"},
		{platform, "AGENT_PIAOTONG_DES3_KEY_FILE=des3.txt", "file-key-of-24-chars-$%!"},
	} {
		c, err := Parse(config, []byte(tc.file), []string{tc.variable})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Piaotong.DES3Key.Reveal(); got != tc.want {
			t.Errorf("%s: key is %q", tc.variable, got)
		}
	}

	for _, tc := range []struct{ file, variable, key, en string }{
		{platform + "des3_key_file = 'des3.txt'", "", "piaotong.des3_key_file", "together with piaotong.des3_key"},
		{platform, "AGENT_PIAOTONG_DES3_KEY=env-key-of-24-characters AGENT_PIAOTONG_DES3_KEY_FILE=des3.txt", "piaotong.des3_key_file", "together"},
		{strings.Replace(inFile, "des3.txt", "none.txt", 1), "", "piaotong.des3_key_file", "no such file"},
		{strings.Replace(inFile, "des3.txt", "short.txt", 1), "", "piaotong.des3_key", "24 ASCII"},
		{strings.Replace(inFile, "des3.txt", "two.txt", 1), "", "piaotong.des3_key", "24 ASCII"},
		{strings.Replace(inFile, "des3.txt", "long.txt", 1), "", "piaotong.des3_key_file", "too long"},
		{strings.Replace(inFile, "des3.txt", ".", 1), "", "piaotong.des3_key_file", "not a regular file"},
		{"[[api.tokens]]\nname = 'a'\nrole = 'pos'\ntoken_file = 'none.txt'", "", "api.tokens.token_file", "no such file"},
	} {
		_, err := Parse(config, []byte(tc.file), strings.Fields(tc.variable))
		ps, ok := err.(*Problems)
		if !ok || len(*ps) != 1 || (*ps)[0].Key != tc.key || !strings.Contains((*ps)[0].English, tc.en) {
			t.Errorf("%s %s:\n%v", tc.file, tc.variable, err)
		}
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "config.toml")
	elsewhere := filepath.Join(t.TempDir(), "key.pem")
	file := "data_dir = 'data'\n[piaotong]\nprivate_key_file = '" + elsewhere + "'\n[tax]\ncatalogue = 'goods/list.csv'\n" +
		"[printer]\nport = 'paper:out'\n[receipt]\nlogo = ''\n[backup]\ndir = '../copies'\n"
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{name, "config.toml", "./config.toml"} {
		c, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		real, err := os.Getwd() // the folder's name may hold symbolic links
		if err != nil {
			t.Fatal(err)
		}
		if path == name {
			real = dir
		}
		for _, tc := range []struct{ got, want string }{
			{c.DataDir, filepath.Join(real, "data")},
			{c.Piaotong.PrivateKeyFile, elsewhere},
			{c.Piaotong.PlatformPublicKeyFile, filepath.Join(real, "platform.pem")},
			{c.Tax.Catalogue, filepath.Join(real, "goods", "list.csv")},
			{c.Printer.Port, "paper:" + filepath.Join(real, "out")},
			{c.Receipt.Logo, ""},
			{c.Backup.Dir, filepath.Join(filepath.Dir(real), "copies")},
		} {
			if tc.got != tc.want {
				t.Errorf("%s: got %q, want %q", path, tc.got, tc.want)
			}
		}
	}
}

func TestLoadUnreadable(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{filepath.Join(dir, "none.toml"): "there is no such file", dir: "not a regular file"} {
		_, err := Load(path, nil)
		ps, ok := err.(*Problems)
		if !ok || len(*ps) != 1 || (*ps)[0].File != path || !strings.Contains((*ps)[0].English, want) {
			t.Errorf("Load(%q): %v", path, err)
		}
	}
}

// TestDataDir: the folder is told whatever else is wrong, and an error where it is not known.
func TestDataDir(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	for _, tt := range []struct{ text, want string }{
		{"", defaultDataDir()},
		{"data_dir = ''", defaultDataDir()},
		{"data_dir = '收银 \"数据\" $x'", filepath.Join(dir, `收银 "数据" $x`)},
		{"\ufeffdata_dir = 'd'\r\n[piaotong]\r\nplatform_code = 'SANDBOX1'\r\ndes3_key_file = 'gone'\r\n", filepath.Join(dir, "d")},
		{"data_dir = 'd'\nnonsense = 1\n[api]\nlisten =", filepath.Join(dir, "d")},
		{"[api]\nlisten =\n", ""}, // it may be below
		{"data_dir = 'a'\ndata_dir = 'b'", ""},
		{"data_dir = 1", ""},
		{"# \xca\xd5\xd2\xf8\ndata_dir = 'd'", ""},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := DataDir(path, nil); got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%q: %q %v, want %q", tt.text, got, err, tt.want)
		}
	}
	if got, err := DataDir(path, []string{"AGENT_DATA_DIR=" + dir}); got != dir || err != nil {
		t.Errorf("the environment's: %q %v", got, err)
	}
	if got, err := DataDir(filepath.Join(dir, "gone.toml"), nil); got != defaultDataDir() || err != nil {
		t.Errorf("without a file: %q %v", got, err)
	}
	if got, err := DataDir(dir, nil); got != "" || err == nil {
		t.Errorf("a folder: %q %v", got, err)
	}
}

func TestSuggest(t *testing.T) {
	candidates := []string{"printer.baud", "printer.flow", "api.listen", "log", "log.level"}
	for name, want := range map[string]string{
		"printer.bauds": "printer.baud", "Printer.Baud": "printer.baud", "api.lisetn": "api.listen", "lag": "log",
		"server.listen": "api.listen", "level": "log.level", "xyz": "", "printer.": "", strings.Repeat("log", 100): "",
	} {
		if got := suggest(name, candidates); got != want {
			t.Errorf("suggest(%q) = %q, want %q", name, got, want)
		}
	}
}
