package worker_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
)

// fault is a way to misbehave, with what it means.
type fault struct {
	name      string
	kind      sandbox.FaultKind
	with      sandbox.Fault
	processed bool // and no answer that can be believed
	untrusted bool // what comes is none of the platform's
	transport bool // nothing tells that the platform is there
	often     bool // it stands for its like where a call is struck several times, and in variants
}

// matrixFaults are the sandbox's faults, some of them in several ways.
var matrixFaults = []fault{
	{kind: sandbox.FaultTimeout, transport: true, often: true},
	{kind: sandbox.FaultReset, transport: true},
	{kind: sandbox.FaultHTTP500, transport: true},
	{kind: sandbox.FaultStatus, transport: true, often: true},
	{name: "status 503 text", kind: sandbox.FaultStatus, with: sandbox.Fault{Msg: "busy"}, transport: true},
	{name: "status 429", kind: sandbox.FaultStatus, with: sandbox.Fault{Status: 429, Msg: "too many requests"}, transport: true},
	{name: "status 404", kind: sandbox.FaultStatus, with: sandbox.Fault{Status: 404}, transport: true},
	{kind: sandbox.FaultRedirect, transport: true},
	{kind: sandbox.FaultHTML, untrusted: true, transport: true},
	{kind: sandbox.FaultRefuse, often: true},
	{name: "refuse 3999", kind: sandbox.FaultRefuse, with: sandbox.Fault{Code: "3999", Msg: "请登录"}, often: true},
	{name: "refuse 8996", kind: sandbox.FaultRefuse, with: sandbox.Fault{Code: "8996", Msg: "业务异常"}},
	{name: "refuse 9998", kind: sandbox.FaultRefuse, with: sandbox.Fault{Code: "9998", Msg: "平台编码不合法"}},
	{name: "refuse 1234", kind: sandbox.FaultRefuse, with: sandbox.Fault{Code: "1234", Msg: "?"}},
	{kind: sandbox.FaultMisconfigured, often: true},
	{kind: sandbox.FaultLostAnswer, processed: true, transport: true, often: true},
	{kind: sandbox.FaultResetAfter, processed: true, transport: true},
	{kind: sandbox.FaultBadGateway, processed: true, transport: true},
	{kind: sandbox.FaultBadSignature, processed: true, untrusted: true, transport: true, often: true},
	{kind: sandbox.FaultNoSignature, processed: true, untrusted: true, transport: true},
	{kind: sandbox.FaultWrongKey, processed: true, untrusted: true, transport: true},
	{kind: sandbox.FaultShortContent, processed: true, untrusted: true, transport: true},
	{kind: sandbox.FaultNoContent, processed: true, transport: true},
	{kind: sandbox.FaultTruncated, processed: true, untrusted: true, transport: true},
	{kind: sandbox.FaultRepeated, processed: true, untrusted: true, transport: true},
	{kind: sandbox.FaultDelay, with: sandbox.Fault{Delay: 3 * time.Second}},
	{name: "delay beyond the deadline", kind: sandbox.FaultDelay, with: sandbox.Fault{Delay: 15 * time.Second}, processed: true, transport: true},
	{kind: sandbox.FaultEscaped},
	{kind: sandbox.FaultVoidFalse, often: true},
	{kind: sandbox.FaultVoidFalseDone, processed: true},
}

func (f fault) String() string { return cmp.Or(f.name, string(f.kind)) }

// fits reports whether an interface can have the fault.
func (f fault) fits(number string) bool {
	return number == "2.17" || f.kind != sandbox.FaultVoidFalse && f.kind != sandbox.FaultVoidFalseDone
}

// What lasts for a while, by scene: outages strikes all interfaces, alones the
// scene's own.
var (
	outages = map[string][]string{
		"2.16": {"timeout", "misconfigured", "bad_signature", "status"}, "2.17": {"timeout", "refuse 9998"},
		"2.9": {"timeout", "refuse 9998", "lost_answer"}, "2.37": {"http_500", "misconfigured", "lost_answer"},
	}
	alones = map[string][]string{
		"2.16": {"timeout", "http_500", "refuse 8996", "refuse 9998", "refuse 1234"}, "2.17": {"http_500", "refuse 9998"},
		"2.18": {"timeout", "refuse 8996", "refuse 9998"}, "2.11": {"timeout", "refuse 8996", "refuse 9998"},
		"2.9": {"http_500", "refuse 8996", "refuse 9998", "lost_answer"}, "2.10": {"http_500", "refuse 9998"},
		"2.36": {"http_500", "refuse 9998"}, "2.37": {"http_500", "refuse 9998"},
	}
)

// TestMatrix strikes every interface that the worker calls with every fault:
// its next call; its next three, with one fault of each sort; and, with some,
// all calls for a while. Further scenes of an interface have one fault of each
// sort. All of it each time would take minutes, and find no more.
func TestMatrix(t *testing.T) {
	for _, s := range matrixScenes {
		var cells []*cell
		add := func(f fault, series string, times int) {
			cells = append(cells, &cell{scene: s, name: fmt.Sprint(f, "/", series), fault: f, times: times})
		}
		for _, f := range matrixFaults {
			if !f.fits(s.number) || s.variant && !f.often {
				continue
			}
			add(f, "x1", 1)
			if f.often && !s.variant {
				add(f, "x3", 3)
			}
			if slices.Contains(outages[s.name], f.String()) {
				add(f, "all", outage)
			}
			if slices.Contains(alones[s.name], f.String()) {
				add(f, "alone", alone)
			}
		}
		playColumn(t, s.name, cells)
	}
}

// TestMatrixIsWhole holds that the table of faults has all that the sandbox
// knows.
func TestMatrixIsWhole(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../piaotong/sandbox/faults.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 || fmt.Sprint(v.Type) != "FaultKind" {
			return true
		}
		known++
		kind := sandbox.FaultKind(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
		struck := slices.ContainsFunc(matrixFaults, func(f fault) bool { return f.kind == kind })
		if elsewhere := kind == sandbox.FaultResult; struck == elsewhere { // of interfaces that people's calls need alone
			t.Errorf("%s is not in the matrix", kind)
		}
		return true
	})
	if known == 0 {
		t.Error("the sandbox's faults are not found")
	}
	for _, number := range []string{"2.9", "2.10", "2.11", "2.16", "2.17", "2.18", "2.36", "2.37"} {
		if !slices.ContainsFunc(matrixScenes, func(s *scene) bool { return s.number == number && !s.variant }) {
			t.Errorf("%s is not in the matrix", number)
		}
	}
}

// playColumn plays cells on tills of their own and reports each.
func playColumn(t *testing.T, name string, cells []*cell) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		column(t, cells)
		for _, c := range cells {
			t.Run(c.name, func(t *testing.T) {
				for _, problem := range c.problems {
					t.Error(problem)
				}
			})
		}
	})
}
