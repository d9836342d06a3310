package sandbox

import (
	"embed"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// The pages are files with {{slots}}, filled without html/template: its use of
// reflection makes the linker keep every method of every package, which is a
// tenth of the program that runs on each till.

//go:embed pages/*.html
var pageFiles embed.FS

// markup is HTML in which all that comes from outside is escaped.
type markup string

// element is markup with escaped texts in the place of its %s, in text or in
// quoted attributes.
func element(format string, texts ...string) markup {
	escaped := make([]any, len(texts))
	for i, t := range texts {
		escaped[i] = html.EscapeString(t)
	}
	return markup(fmt.Sprintf(format, escaped...))
}

// maybe is an element of a text, nothing where there is none.
func maybe(format, text string) markup {
	if text == "" {
		return ""
	}
	return element(format, text)
}

// entry is a term and its value in a list, nothing without a value.
func entry(term, value string) markup {
	return maybe("<dt>"+term+"</dt><dd>%s</dd>\n", value)
}

// alert says what is wrong, if anything is.
func alert(problem string) markup {
	return maybe(`<p class="problem" role="alert">%s</p>`+"\n", problem)
}

func when[T any](is bool, yes, no T) T {
	if is {
		return yes
	}
	return no
}

// slots are what a page's file is filled with: markup as it is, texts escaped.
type slots map[string]any

// fill gives a page's file with its slots filled.
func fill(name string, s slots) markup {
	file, err := pageFiles.ReadFile("pages/" + name)
	if err != nil {
		panic("sandbox: " + err.Error()) // it is embedded
	}
	var pairs []string
	for slot, v := range s {
		m, ok := v.(markup)
		if !ok {
			m = element("%s", v.(string))
		}
		pairs = append(pairs, "{{"+slot+"}}", string(m))
	}
	return markup(strings.NewReplacer(pairs...).Replace(string(file)))
}

// writePage writes a page; the policy forbids everything but its own style and
// form.
func (s *Sandbox) writePage(w http.ResponseWriter, status int, title string, body markup) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(fill("frame.html", slots{"title": title, "body": body}))) // the browser may be gone
}

// writeMissing says that there is no such thing.
func (s *Sandbox) writeMissing(w http.ResponseWriter, status int, what string) {
	s.writePage(w, status, "找不到（沙箱）", element("<h1>%s</h1>\n", what))
}
