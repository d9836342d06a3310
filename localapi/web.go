package localapi

import (
	"embed"
	"encoding/json"
	"mime"
	"path"
	"strconv"

	"tillagent/queue"
	"tillagent/trade"
)

// web has the console, a page for staff and technicians, and the customer's
// display. They are served as they are, need nothing from elsewhere, and call
// the API like everyone else.
//
//go:embed console display
var web embed.FS

// webPolicy lets the pages run their own scripts and show pictures that they
// fetched, and nothing else.
const webPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves one file; ErrNotFound where there is none of the name.
func page(name string) (any, error) {
	data, err := web.ReadFile(name)
	if err != nil {
		return nil, queue.ErrNotFound
	}
	return document{contentType: webTypes[path.Ext(name)], data: data, policy: webPolicy}, nil
}

// webTypes are not left to mime: on Windows the registry has a say in it.
var webTypes = map[string]string{
	".html": mime.FormatMediaType("text/html", map[string]string{"charset": "utf-8"}),
	".css":  mime.FormatMediaType("text/css", map[string]string{"charset": "utf-8"}),
	".js":   mime.FormatMediaType("text/javascript", map[string]string{"charset": "utf-8"}),
}

func (s *Server) getConsole(*call) (any, error) { return page("console/index.html") }

func (s *Server) getConsoleFile(c *call) (any, error) { return page("console/" + path.Base(c.id)) }

func (s *Server) getDisplay(*call) (any, error) { return page("display/index.html") }

func (s *Server) getDisplayFile(c *call) (any, error) { return page("display/" + path.Base(c.id)) }

// maxLogLines bounds what one call gives of the log.
const maxLogLines = 1000

type logsJSON struct {
	Lines []json.RawMessage `json:"lines"` // oldest first
}

// getLogs gives the last lines of the service's log.
func (s *Server) getLogs(c *call) (any, error) {
	p := c.query()
	lines := 200
	if text := p.text("lines"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLogLines {
			p.add("lines", trade.Between, "1", strconv.Itoa(maxLogLines))
		}
		lines = n
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	out := logsJSON{Lines: []json.RawMessage{}}
	if s.o.Logs == nil {
		return out, nil
	}
	text, err := s.o.Logs(lines)
	out.Lines = append(out.Lines, text...)
	return out, err
}
