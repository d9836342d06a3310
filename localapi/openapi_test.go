package localapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tillagent/trade"
)

// contract is openapi.yaml as the tests hold the server against it: strict, so
// that a field that the document does not have is an error. For callers it is
// not: answers may get further fields.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	for name, c := range doc.Components.Schemas {
		strict(c.Value)
		if c.Value == nil {
			return nil, fmt.Errorf("schema %s is empty", name)
		}
	}
	return doc, nil
})

// strict refuses what an object does not list.
func strict(s *openapi3.Schema) {
	if s == nil {
		return
	}
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		if p.Ref == "" {
			strict(p.Value)
		}
	}
	if s.Items != nil && s.Items.Ref == "" {
		strict(s.Items.Value)
	}
}

// checkContract holds a request and its answer against openapi.yaml: every
// answer must be one that the document has, and what was done must have been
// asked for in a way that the document has.
func checkContract(t testing.TB, r *http.Request, body string, a answer) {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rt, names, _ := find(method, r.URL.EscapedPath())
	if rt == nil || method == http.MethodOptions {
		if a.status >= 400 && r.Method != http.MethodHead {
			checkSchema(t, "Problem", a.body)
		}
		return
	}
	item := doc.Paths.Value(rt.path)
	if item == nil || item.GetOperation(method) == nil {
		t.Errorf("%s %s is not in openapi.yaml", rt.method, rt.path)
		return
	}
	op := item.GetOperation(method)
	if a.status < 300 {
		if err := checkRequest(r, method, body, rt, names, doc, op); err != nil {
			t.Errorf("%s %s was answered %d and is no request of openapi.yaml: %v", r.Method, r.URL, a.status, err)
		}
	}
	response := op.Responses.Status(a.status)
	if response == nil {
		response = op.Responses.Default()
	}
	if r.Method == http.MethodHead || len(response.Value.Content) == 0 && len(a.body) == 0 {
		return
	}
	if err := checkBody(response.Value.Content, a.header.Get("Content-Type"), a.body); err != nil {
		t.Errorf("%s %s: the answer %d is not as in openapi.yaml: %v\n%s", r.Method, r.URL, a.status, err, a.body)
	}
}

// checkRequest holds parameters and body of a request against its operation.
func checkRequest(r *http.Request, method, body string, rt *route, names named, doc *openapi3.T, op *openapi3.Operation) error {
	copied := r.Clone(r.Context())
	copied.Method, copied.Body = method, http.NoBody
	err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{Request: copied, PathParams: map[string]string{"id": names.id, "part": names.part},
		Route:   &routers.Route{Spec: doc, Path: rt.path, PathItem: doc.Paths.Value(rt.path), Method: method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeRequestBody: true}})
	switch {
	case err != nil || op.RequestBody == nil:
		return err
	case body == "" && op.RequestBody.Value.Required:
		return errors.New("it has no body")
	case body == "":
		return nil
	}
	return checkBody(op.RequestBody.Value.Content, r.Header.Get("Content-Type"), []byte(body))
}

// TestContract holds the document against the standard, with its examples, and
// against the table of routes.
func TestContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			listed[method+" "+path] = true
			open := op.Security != nil && len(*op.Security) == 0
			rt := route{}
			for _, x := range routes {
				if x.method == method && x.path == path {
					rt = x
				}
			}
			switch {
			case rt.path == "":
				t.Errorf("%s %s is in openapi.yaml alone", method, path)
			case open != (rt.role == ""):
				t.Errorf("%s %s: openapi.yaml says that a token is needed: %v; the table has role %q", method, path, !open, rt.role)
			}
			if op.Summary == "" || op.OperationID == "" || len(op.Tags) == 0 || op.Responses.Default() == nil {
				t.Errorf("%s %s lacks a summary, an id, a tag or the default answer", method, path)
			}
			for name, media := range successes(op) {
				if strings.HasSuffix(name, "json") && media.Schema.Ref != "" && media.Example == nil && len(media.Examples) == 0 && op.Responses.Status(200) != nil && method == http.MethodGet && path != "/v1/status" {
					t.Errorf("%s %s has no example", method, path)
				}
			}
		}
	}
	for _, rt := range routes {
		if !listed[rt.method+" "+rt.path] {
			t.Errorf("%s %s is not in openapi.yaml", rt.method, rt.path)
		}
	}
}

func successes(op *openapi3.Operation) openapi3.Content {
	all := openapi3.Content{}
	for status, r := range op.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			for name, m := range r.Value.Content {
				all[name] = m
			}
		}
	}
	return all
}

// TestContractWords holds the words of the document against those of the
// program.
func TestContractWords(t *testing.T) {
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for code := range statuses {
		codes = append(codes, string(code))
	}
	for name, want := range map[string][]string{
		"SaleState":   texts(trade.SaleStates),
		"RefundState": trade.RefundViews,
		"PrintState":  texts(printStates),
		"Problem":     codes,
	} {
		enum := doc.Components.Schemas[name].Value.Enum
		if name == "Problem" {
			enum = doc.Components.Schemas[name].Value.Properties["code"].Value.Enum
		}
		var have []string
		for _, w := range enum {
			have = append(have, w.(string))
		}
		want = slices.Sorted(slices.Values(want))
		if slices.Sort(have); !slices.Equal(have, want) {
			t.Errorf("%s: openapi.yaml has %v, the program %v", name, have, want)
		}
	}
}

func texts[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// schemas are the named ones of the contract, compiled once: openapi3filter
// would do so for every body.
type schemas struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

var compiled = sync.OnceValues(func() (*schemas, error) {
	doc, err := contract()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	s := &schemas{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	s.compiler.DefaultDraft(jsonschema.Draft2020)
	s.compiler.AssertFormat()
	return s, s.compiler.AddResource("openapi.json", value)
})

// validate holds JSON against the schema at a pointer such as
// #/components/schemas/Sale.
func validate(pointer string, text []byte) error {
	s, err := compiled()
	if err != nil {
		return err
	}
	s.mu.Lock()
	c := s.compiled[pointer]
	if c == nil {
		c, err = s.compiler.Compile("openapi.json" + pointer)
		s.compiled[pointer] = c
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return c.Validate(value)
}

// checkSchema holds JSON against a named schema of the document.
func checkSchema(t testing.TB, name string, text []byte) {
	t.Helper()
	if err := validate("#/components/schemas/"+name, text); err != nil {
		t.Errorf("%s: %v: %s", name, err, text)
	}
}

// checkBody holds a body against the schema that the document has for its
// type. What is no JSON is taken as it is.
func checkBody(content openapi3.Content, mediaType string, text []byte) error {
	media, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return err
	}
	m := content.Get(media)
	switch {
	case m == nil:
		return fmt.Errorf("%s is not in openapi.yaml", media)
	case !strings.HasSuffix(media, "json"):
		return nil
	case m.Schema.Ref != "":
		return validate(m.Schema.Ref, text)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return m.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020())
}

// TestContractRefuses shows that checkContract can fail.
func TestContractRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"Health":  `{"status":"ok","more":1}`,
		"Printer": `{"configured":true,"model":"","port":"","state":"burning","last_seen":null,"jobs_waiting":0}`,
		"Money":   `58.5`,
		"NewSale": `{"sale_id":"S1","total":"1.00","items":[{"name":"a","amount":"1.00"}],"cashiers":"x"}`,
		"ID":      `"..."`,
	} {
		if validate("#/components/schemas/"+name, []byte(text)) == nil {
			t.Errorf("%s takes %s", name, text)
		}
	}
}
