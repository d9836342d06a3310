package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// rule says what a value may be: in words, and as a test of a value that already has the right type.
type rule[T any] struct {
	want text
	ok   func(T) bool
}

const day = 24 * time.Hour

var (
	anyText = rule[string]{text{"只能是带引号的一行文字", "must be one line of text in quotes"}, func(string) bool { return true }}
	anyPath = rule[string]{text{"只能是带引号的路径", "must be a path in quotes"}, func(string) bool { return true }}
	yesOrNo = rule[bool]{text{"只能是 true 或 false", "must be true or false"}, func(bool) bool { return true }}
	taxRate = oneOf("", "0.13", "0.09", "0.06", "0.05", "0.03", "0.01", "0")
)

func oneOf(words ...string) rule[string] {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, strconv.Quote(w))
	}
	list := strings.Join(quoted, " ")
	return rule[string]{text{"只能是以下之一：" + list, "must be one of " + list},
		func(s string) bool { return slices.Contains(words, s) }}
}

func matching(pattern, zh, en string) rule[string] {
	return rule[string]{text{zh, en}, regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString}
}

// chars tells whether a text is one line of so many characters. A pattern that
// counts so far takes megabytes.
func chars(s string, low, high int) bool {
	n := utf8.RuneCountInString(s)
	return low <= n && n <= high && !strings.Contains(s, "\n")
}

func between(low, high int) rule[int] {
	return rule[int]{text{fmt.Sprintf("只能是 %d 到 %d 的整数", low, high), fmt.Sprintf("must be a whole number from %d to %d", low, high)},
		func(n int) bool { return low <= n && n <= high }}
}

func either(a, b int) rule[int] {
	return rule[int]{text{fmt.Sprintf("只能是 %d 或 %d", a, b), fmt.Sprintf("must be %d or %d", a, b)},
		func(n int) bool { return n == a || n == b }}
}

func lasting(low, high time.Duration) rule[time.Duration] {
	return rule[time.Duration]{text{
		fmt.Sprintf(`只能是 "%s" 到 "%s" 的时长（单位 ms s m h d，带引号）`, formatDuration(low), formatDuration(high)),
		fmt.Sprintf(`must be a duration from "%s" to "%s" (units ms s m h d, in quotes)`, formatDuration(low), formatDuration(high)),
	}, func(d time.Duration) bool { return low <= d && d <= high }}
}

// inGBK limits a text to what the platform's field takes, which counts bytes in GBK: one for ASCII, two for all else.
func inGBK(most int) rule[string] {
	return rule[string]{text{
		fmt.Sprintf("最多 %d 字节（汉字算 2），带引号", most), fmt.Sprintf("must be at most %d bytes in GBK (a Chinese character is 2), in quotes", most),
	}, func(s string) bool {
		n := 0
		for _, r := range s {
			n++
			if r >= utf8.RuneSelf {
				n++
			}
		}
		return n <= most
	}}
}

// parseDuration reads Go's form with days before it: "10s", "1.5s", "180d", "1d12h". Negative ones are refused.
func parseDuration(s string) (time.Duration, bool) {
	var days time.Duration
	if head, rest, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseUint(head, 10, 16)
		if err != nil {
			return 0, false
		}
		days, s = time.Duration(n)*day, rest
		if s == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || strings.HasPrefix(s, "+") || days+d < days {
		return 0, false
	}
	return days + d, true
}

func formatDuration(d time.Duration) string {
	switch {
	case d >= day && d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d%time.Second == 0:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	default:
		return d.String()
	}
}

// isPort reports whether s is a port number that somebody can call.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0'
}

var listenAddress = rule[string]{
	text{`只能是 "IP:端口" 或 "localhost:端口"，例如 "127.0.0.1:17216"`, `must be "IP:port" or "localhost:port", such as "127.0.0.1:17216"`},
	func(s string) bool {
		host, port, err := net.SplitHostPort(s)
		if err != nil || port != "0" && !isPort(port) {
			return false
		}
		ip, err := netip.ParseAddr(host)
		return host == "localhost" || err == nil && ip.Zone() == "" && !ip.Is4In6()
	},
}

// isLoopback takes a host as it stands in an address or a URL.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

var isHostName = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?)*$`).MatchString

// isNumber tells the decimal, hexadecimal and shortened forms that resolvers take for an IPv4 address.
var isNumber = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9A-Fa-f]*)$`).MatchString

var servedHost = rule[string]{
	text{`只能是主机名或 "主机名:端口"，不带协议和 *`, `must be a host name or "host:port", without scheme or *`},
	func(s string) bool {
		u := parseURL("http://" + s)
		ip, err := netip.ParseAddr(u.Hostname())
		return u.Host == s && goodHost(u) && (err != nil || !ip.IsUnspecified())
	},
}

// webOrigin takes an origin only as browsers serialize it, because it is compared as a whole: lower case, no path, no
// default port.
var webOrigin = rule[string]{
	text{`只能是 "协议://主机[:端口]"，小写，不带路径、默认端口、* 和 null，例如 "https://pos.example.cn"`,
		`must be "scheme://host[:port]" in lower case, without path, default port, * or null, such as "https://pos.example.cn"`},
	func(s string) bool {
		u := parseURL(s)
		if u.Scheme == "" || u.Scheme == "file" || s != u.Scheme+"://"+u.Host || s != strings.ToLower(s) {
			return false
		}
		if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
			return false
		}
		return goodHost(u)
	},
}

// parseURL gives the zero URL, which has no scheme, for what is not one.
func parseURL(s string) url.URL {
	if u, err := url.Parse(s); err == nil {
		return *u
	}
	return url.URL{}
}

// goodHost reports whether a URL names a host and, if it names a port, one that exists.
func goodHost(u url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if strings.HasSuffix(u.Host, ":") || port != "" && !isPort(port) {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return isHostName(host) && !isNumber(host)
}

var baseURL = rule[string]{
	text{`只能是 "https://主机[:端口]"，不带路径`, `must be "https://host[:port]" without a path`},
	func(s string) bool {
		u := parseURL(s)
		return s == "" || (u.Scheme == "https" || u.Scheme == "http") && goodHost(u) &&
			strings.TrimSuffix(s, "/") == u.Scheme+"://"+u.Host
	},
}

// alertURL takes plain http to this machine alone: the addresses carry tokens.
var alertURL = rule[Secret]{
	text{`只能是 https:// 地址（http:// 只能到本机），或空`, `must be an https:// address (http:// to this machine alone), or empty`},
	func(s Secret) bool {
		u := parseURL(s.Reveal())
		return s == "" || goodHost(u) && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
	},
}

var robotSecret = rule[Secret]{
	text{"只能是最多 256 个 ASCII 字符，不含空格，或空", "must be at most 256 ASCII characters without spaces, or empty"},
	func(s Secret) bool { return isPrintable(s, 0, 256) && !strings.Contains(s.Reveal(), " ") },
}

var des3Key = rule[Secret]{
	text{"只能是 24 个 ASCII 字符", "must be 24 ASCII characters"},
	func(s Secret) bool { return s == "" || isPrintable(s, 24, 24) },
}

var tokenText = rule[Secret]{
	text{"只能是 32 到 512 个 ASCII 字符，不含空格", "must be 32 to 512 ASCII characters without spaces"},
	func(s Secret) bool { return isPrintable(s, 32, 512) && !strings.Contains(s.Reveal(), " ") },
}

func isPrintable(s Secret, least, most int) bool {
	return least <= len(s) && len(s) <= most &&
		!strings.ContainsFunc(s.Reveal(), func(r rune) bool { return isControl(r) || r >= utf8.RuneSelf })
}

var portForm = rule[string]{
	text{`只能是 COMn、/dev/…、tcp://主机:端口、usb:/dev/…、windows:打印机名、paper:文件夹，或空（没有打印机）`,
		`must be COMn, /dev/…, tcp://host:port, usb:/dev/…, windows:QUEUE NAME, paper:DIR, or empty (no printer)`},
	func(s string) bool {
		if address, found := strings.CutPrefix(s, "tcp://"); found {
			u := parseURL(s)
			return u.Host == address && u.Port() != "" && goodHost(u)
		}
		return s == "" || isLocalPort(s)
	},
}

var isLocalPort = regexp.MustCompile(`^(COM[1-9][0-9]{0,2}|(usb:)?/dev/[^ ]+|(windows|paper):.*[^ ].*)$`).MatchString
