package tillagent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows says which packages of ours each package may import. What is not
// here may import none of ours.
var arrows = map[string][]string{
	"queue":                  {"trade"},
	"receipt":                {"trade", "printer"},
	"localapi":               {"queue", "trade", "receipt"},
	"worker":                 {"queue", "trade", "receipt", "piaotong", "printer"},
	"printer":                {"printer/font", "printer/internal/gbk", "printer/internal/sheet"},
	"printer/font":           {"printer/internal/gbk"},
	"printer/internal/sheet": {"printer/font"},
	"printer/paper":          {"printer", "printer/font", "printer/internal/gbk", "printer/internal/sheet"},
	"piaotong/sandbox":       {"piaotong"},
	"cmd/agent":              {"cmd/agent/config", "examples", "localapi", "packaging/systemd", "piaotong", "piaotong/sandbox", "printer", "printer/paper", "queue", "receipt", "trade", "worker"},
}

// standIns may be imported only by these files.
var standIns = map[string][]string{
	"piaotong/sandbox": {"cmd/agent/demo.go", "cmd/agent/standins.go"},
	"printer/paper":    {"cmd/agent/demo.go", "cmd/agent/standins.go"},
}

// standardOnly imports nothing but the standard library.
var standardOnly = []string{"trade"}

type source struct {
	path, dir string
	file      *ast.File
}

// sources parses every Go file of the project that is no test.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules"):
			return fs.SkipDir
		case !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		all = append(all, source{p, path.Dir(p), f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d files found", len(all))
	}
	return all
}

func TestArrows(t *testing.T) {
	for _, s := range sources(t) {
		if s.file.Name.Name == "main" && s.dir != "cmd/agent" {
			continue // a generator, not part of the program
		}
		for _, i := range s.file.Imports {
			name := strings.Trim(i.Path.Value, `"`)
			if own, ok := strings.CutPrefix(name, "tillagent/"); ok {
				if !slices.Contains(arrows[s.dir], own) {
					t.Errorf("%s imports %s, which no arrow allows", s.path, own)
				}
				if files, ok := standIns[own]; ok && s.dir != own && !slices.Contains(files, s.path) {
					t.Errorf("%s imports the stand-in %s", s.path, own)
				}
			} else if slices.Contains(standardOnly, s.dir) && strings.Contains(strings.Split(name, "/")[0], ".") {
				t.Errorf("%s imports %s, but %s keeps to the standard library", s.path, name, s.dir)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	documented, seen := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.file.Name.Name == "main" && s.dir != "cmd/agent" {
			continue
		}
		seen[s.dir] = true
		if s.file.Doc != nil {
			documented[s.dir] = true
		}
	}
	for dir := range seen {
		if !documented[dir] {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

// figures are files without amounts in them: Prometheus' client takes floats.
var figures = []string{"localapi/metrics.go"}

// TestNoFloatTouchesMoney looks for float types where amounts live.
func TestNoFloatTouchesMoney(t *testing.T) {
	for _, s := range sources(t) {
		if !slices.Contains([]string{"trade", "queue", "receipt", "localapi", "worker", "piaotong", "piaotong/sandbox"}, s.dir) || slices.Contains(figures, s.path) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32" || id.Name == "ParseFloat") {
				t.Errorf("%s uses %s", s.path, id.Name)
			}
			return true
		})
	}
}

// TestOnlyTheQueueMovesState holds that no other package steps a machine.
func TestOnlyTheQueueMovesState(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir == "queue" || s.dir == "trade" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "trade" && (sel.Sel.Name == "Step" || sel.Sel.Name == "MovePrint") {
					t.Errorf("%s calls trade.%s", s.path, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestFormatted runs gofmt over the tree.
func TestFormatted(t *testing.T) {
	out, err := exec.Command("gofmt", "-l", ".").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("gofmt -l: %v\n%s", err, out)
	}
}
