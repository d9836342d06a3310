// Package examples holds example sales, as a POS posts them.
package examples

import "embed"

// Sales are the files of examples/sales, each the body of a POST /v1/sales.
//
//go:embed sales/*.json
var Sales embed.FS
