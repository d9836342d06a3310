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

// addressTel checks the address and telephone of the buyer or the seller, who
// share a limit.
func (c *checker) addressTel(who string, address, tel piaotong.Scalar) (a, t string) {
	a, t = c.optional(who+"Address", address, gbk(1, 100)), c.optional(who+"Tel", tel, chars(1, 20))
	c.noAngle(who+"Address", a)
	c.match(who+"Tel", t, telPattern)
	c.together(who+"Address、"+who+"Tel", a, t)
	return a, t
}

// bank checks the bank and account of the buyer or the seller, which share a limit.
func (c *checker) bank(who string, name, account piaotong.Scalar) (n, a string) {
	n, a = c.optional(who+"BankName", name, gbk(1, 100)), c.optional(who+"BankAccount", account, chars(1, 50))
	c.noAngle(who+"BankName", n)
	c.noAngle(who+"BankAccount", a)
	c.together(who+"BankName、"+who+"BankAccount", n, a)
	return n, a
}

// staff checks the names of those who cash, review and issue.
func (c *checker) staff(casher, reviewer, drawer piaotong.Scalar) {
	c.optional("casherName", casher, gbk(1, 16))
	c.optional("reviewerName", reviewer, gbk(1, 16))
	c.optional("drawerName", drawer, gbk(1, 20))
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
