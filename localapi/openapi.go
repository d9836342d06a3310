package localapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

// openAPI is the contract of the local API. Tests hold the table of routes and
// every answer that they get against it.
//
//go:embed openapi.yaml
var openAPI []byte

// docs is the same for people, one page that needs nothing else. It is made of
// openapi.yaml: go test ./localapi -run DocsPage -update
//
//go:embed docs.html
var docs []byte

// docsPolicy lets the page have its own style, known by its sum, and nothing
// else.
var docsPolicy = func() string {
	_, rest, _ := bytes.Cut(docs, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

func (s *Server) getOpenAPI(*call) (any, error) {
	return document{contentType: "application/yaml", data: openAPI}, nil
}

func (s *Server) getDocs(*call) (any, error) {
	return document{contentType: "text/html; charset=utf-8", data: docs, policy: docsPolicy}, nil
}
