package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tillagent/piaotong"
)

var (
	alnumPattern  = regexp.MustCompile(`^[0-9A-Za-z]+$`)
	digitsPattern = regexp.MustCompile(`^[0-9]+$`)
	taxNumPattern = regexp.MustCompile(`^[0-9A-Z]{15,20}$`)
	emailPattern  = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	telPattern    = regexp.MustCompile(`^[0-9()（）－-]+$`)
)

// checker checks fields and keeps the first problem, as the platform does.
// Optional fields pass when empty.
type checker struct{ err error }

func (c *checker) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// length describes a limit: in GBK bytes or in characters.
type length struct {
	lo, hi int
	inGBK  bool
}

func chars(lo, hi int) length { return length{lo, hi, false} }
func gbk(lo, hi int) length   { return length{lo, hi, true} }

func (c *checker) required(name string, v piaotong.Scalar, l length) string {
	if v == "" {
		c.fail(invalid("%s 不能为空", name))
		return ""
	}
	return c.optional(name, v, l)
}

func (c *checker) optional(name string, v piaotong.Scalar, l length) string {
	s := string(v)
	if s == "" {
		return ""
	}
	n := utf8.RuneCountInString(s)
	if l.inGBK {
		var err error
		if n, err = piaotong.GBKLen(s); err != nil {
			c.fail(invalid("%s 含有无法打印的字符", name))
		}
	}
	switch {
	case n < l.lo || n > l.hi:
		unit := "个字符"
		if l.inGBK {
			unit = "字节(GBK)"
		}
		c.fail(invalid("%s 长度为 %d %s，应为 %d 到 %d", name, n, unit, l.lo, l.hi))
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		c.fail(invalid("%s 含有控制字符", name))
	}
	return s
}

// match checks the form of a field that is not empty.
func (c *checker) match(name, v string, p *regexp.Regexp) {
	if v != "" && !p.MatchString(v) {
		c.fail(invalid("%s 格式不正确", name))
	}
}

// noAngle refuses < and >, which the platform forbids in some fields.
func (c *checker) noAngle(name, v string) {
	if strings.ContainsAny(v, "<>") {
		c.fail(invalid("%s 不能含有 < 或 >", name))
	}
}

// together checks two fields that share a limit of 100 bytes.
func (c *checker) together(names, a, b string) {
	if n, err := piaotong.GBKLen(a + b); err == nil && n > 100 {
		c.fail(invalid("%s 合计不能超过 100 字节", names))
	}
}

// flag checks an optional boolean.
func (c *checker) flag(name string, v piaotong.Scalar) {
	switch strings.ToLower(string(v)) {
	case "", "true", "false":
	default:
		c.fail(invalid("%s 必须为 true 或 false", name))
	}
}

// oneOf checks an optional field that has few values.
func (c *checker) oneOf(name string, v piaotong.Scalar, values ...string) {
	if v != "" && !slices.Contains(values, string(v)) {
		c.fail(invalid("%s 只能为 %s", name, strings.Join(values, "、")))
	}
}

// fen checks a required amount of at most two places.
func (c *checker) fen(name string, v piaotong.Scalar) int64 {
	if v == "" {
		c.fail(invalid("%s 不能为空", name))
		return 0
	}
	n, err := parseFen(string(v))
	if err != nil {
		c.fail(invalid("%s 必须为最多两位小数的数字", name))
	}
	return n
}

// taxpayer checks the seller's number; unknown is the code for one that is
// well formed but not ours, which differs between interfaces.
func (s *Sandbox) taxpayer(c *checker, v piaotong.Scalar, malformed, unknown string) {
	switch {
	case v == "":
		c.fail(invalid("taxpayerNum 不能为空"))
	case !taxNumPattern.MatchString(string(v)):
		c.fail(refuse(malformed, "纳税人识别号不合法"))
	case string(v) != s.account.TaxpayerNum:
		c.fail(refuse(unknown, "开票企业不存在或未与平台绑定"))
	}
}
