package localapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var update = flag.Bool("update", false, "make docs.html anew from openapi.yaml")

// TestDocsPage holds the embedded page against the document it is made of, and
// shows that it needs nothing else.
func TestDocsPage(t *testing.T) {
	page, err := docsPage()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("docs.html", page, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(page, docs) {
		t.Error("docs.html is not made of this openapi.yaml; run: go test ./localapi -run DocsPage -update")
	}
	x := newTill(t)
	a := x.get("/v1/docs", without("Authorization")).want(t, 200, "")
	if got := a.header.Get("Content-Security-Policy"); !regexp.MustCompile(`^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; `).MatchString(got) {
		t.Errorf("policy %q", got)
	}
	for _, outside := range []string{"<script", "<link", "<img", "<iframe", "src=", "style=", "url(", "@import", "onclick", "http-equiv"} {
		if bytes.Contains(a.body, []byte(outside)) {
			t.Errorf("the page has %s", outside)
		}
	}
	if got := regexp.MustCompile(`href="[^#]`).Find(a.body); got != nil {
		t.Errorf("the page leads elsewhere: %s", got)
	}
	for _, rt := range routes {
		if !bytes.Contains(a.body, []byte(">"+rt.method+" "+rt.path+"<")) {
			t.Errorf("the page lacks %s %s", rt.method, rt.path)
		}
	}
	if got := x.get("/v1/openapi.yaml", without("Authorization")).want(t, 200, ""); !bytes.Equal(got.body, openAPI) {
		t.Error("openapi.yaml is served otherwise than it is")
	}
}

// The page as the template takes it.
type (
	docsField struct {
		Name, In string
		Required bool
		Type     template.HTML
		Text     string
	}
	docsAnswer struct {
		Status, Text string
		Body         template.HTML
	}
	docsCall struct {
		ID, Method, Path, Summary, Description, Access string
		Parameters                                     []docsField
		Request                                        template.HTML
		Answers                                        []docsAnswer
		RequestExamples, AnswerExamples                []string
	}
	docsTag struct {
		Name  string
		Calls []docsCall
	}
	docsSchema struct {
		Name, Description string
		Type              template.HTML
		Fields            []docsField
	}
)

// docsPage makes the page.
func docsPage() ([]byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	var tags []docsTag
	for _, tag := range doc.Tags {
		d := docsTag{Name: tag.Description}
		for _, path := range doc.Paths.InMatchingOrder() {
			item := doc.Paths.Value(path)
			for _, method := range slices.Sorted(maps.Keys(item.Operations())) {
				if op := item.GetOperation(method); op.Tags[0] == tag.Name {
					d.Calls = append(d.Calls, docsCallOf(method, path, item, op))
				}
			}
		}
		slices.SortFunc(d.Calls, func(a, b docsCall) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
		tags = append(tags, d)
	}
	var schemas []docsSchema
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		s := doc.Components.Schemas[name].Value
		schemas = append(schemas, docsSchema{name, s.Description, docsShape(s), docsFields(s)})
	}
	tmpl, err := template.New("docs.tmpl").Funcs(template.FuncMap{"prose": docsProse}).ParseFiles("testdata/docs.tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = tmpl.Execute(&b, map[string]any{"Title": doc.Info.Title, "Description": doc.Info.Description, "Tags": tags, "Schemas": schemas})
	return b.Bytes(), err
}

func docsCallOf(method, path string, item *openapi3.PathItem, op *openapi3.Operation) docsCall {
	c := docsCall{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description, Access: "不要令牌 / no token"}
	for _, rt := range routes {
		if rt.method == method && rt.path == path && rt.role != "" {
			c.Access = fmt.Sprintf("角色 / role: %s", rt.role)
		}
	}
	for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
		c.Parameters = append(c.Parameters, docsField{p.Value.Name, p.Value.In, p.Value.Required, docsType(p.Value.Schema), p.Value.Description})
	}
	if op.RequestBody != nil {
		c.Request, c.RequestExamples = docsContent(op.RequestBody.Value.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		r := op.Responses.Value(status).Value
		body, examples := docsContent(r.Content)
		c.Answers = append(c.Answers, docsAnswer{status, *r.Description, body})
		if strings.HasPrefix(status, "2") {
			c.AnswerExamples = append(c.AnswerExamples, examples...)
		}
	}
	return c
}

// docsContent names the media types and their schemas, and writes the examples.
func docsContent(content openapi3.Content) (body template.HTML, examples []string) {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(content)) {
		m := content[name]
		part := "<code>" + template.HTMLEscapeString(name) + "</code>"
		if m.Schema != nil && m.Schema.Ref != "" {
			part = string(docsType(m.Schema))
		}
		parts = append(parts, part)
		if m.Example != nil {
			examples = append(examples, docsExample(m.Example))
		}
		for _, key := range slices.Sorted(maps.Keys(m.Examples)) {
			examples = append(examples, docsExample(m.Examples[key].Value.Value))
		}
	}
	return template.HTML(strings.Join(parts, ", ")), examples
}

func docsExample(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

func docsFields(s *openapi3.Schema) []docsField {
	var fields []docsField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fields = append(fields, docsField{name, "", slices.Contains(s.Required, name), docsType(p), p.Value.Description})
	}
	return fields
}

// docsType writes a schema for people: the link of a named one, else its shape.
func docsType(s *openapi3.SchemaRef) template.HTML {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`)
	}
	return docsShape(s.Value)
}

func docsShape(s *openapi3.Schema) template.HTML {
	var parts []string
	switch {
	case len(s.Enum) > 0:
		for _, w := range s.Enum {
			parts = append(parts, "<code>"+template.HTMLEscapeString(docsExampleLine(w))+"</code>")
		}
		return template.HTML(strings.Join(parts, " "))
	case len(s.OneOf) > 0:
		for _, o := range s.OneOf {
			parts = append(parts, string(docsType(o)))
		}
		return template.HTML(strings.Join(parts, " | "))
	case s.Items != nil:
		return "[ " + docsType(s.Items) + " ]"
	}
	text := strings.Join(s.Type.Slice(), " | ")
	if len(s.Properties) > 0 {
		for _, f := range docsFields(s) {
			parts = append(parts, "<code>"+f.Name+"</code> "+string(f.Type))
		}
		text += " { " + strings.Join(parts, ", ") + " }"
	}
	if s.Pattern != "" {
		text += " <code>" + template.HTMLEscapeString(s.Pattern) + "</code>"
	}
	if s.Min != nil && s.Max != nil {
		text += fmt.Sprintf(" %v–%v", *s.Min, *s.Max)
	}
	return template.HTML(text)
}

func docsExampleLine(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(string(b), `"`)
}

var inCode = regexp.MustCompile("`([^`]*)`")

// docsProse writes a description's paragraphs and lists.
func docsProse(text string) template.HTML {
	var b strings.Builder
	list := false
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		item, isItem := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if isItem != list {
			b.WriteString(map[bool]string{true: "<ul>", false: "</ul>"}[isItem])
			list = isItem
		}
		html := inCode.ReplaceAllString(template.HTMLEscapeString(item), "<code>$1</code>")
		switch {
		case html == "":
		case isItem:
			b.WriteString("<li>" + html)
		default:
			b.WriteString("<p>" + html)
		}
	}
	if list {
		b.WriteString("</ul>")
	}
	return template.HTML(b.String())
}
