package trade

import (
	"cmp"
	"slices"
	"strings"
)

// MaxCopies is the most copies of one piece of paper.
const MaxCopies = 5

// Content is what a POS laid out by itself.
type Content struct {
	Form PrintMode // PrintLines or PrintRaw; "" is nothing
	Data []byte    // the lines as a JSON list, or the ESC/POS bytes
}

// Content is what the wish brings with it.
func (p PrintWish) Content() Content {
	switch p.Mode {
	case PrintLines:
		return Content{PrintLines, p.Lines}
	case PrintRaw:
		return Content{PrintRaw, p.Raw}
	}
	return Content{}
}

// CheckContent returns every problem of what a POS wants printed for no sale.
// The fields are those of Content and start at "".
func (r Rules) CheckContent(content Content, printer string, copies int) []Problem {
	var c check
	if r.printer(&c, "printer", printer) {
		r.content(&c, "", printer, content)
	}
	c.copies("copies", copies)
	return c
}

// CheckPrinter returns what is wrong with the name of a printer, "" for
// ReceiptPrinter.
func (r Rules) CheckPrinter(name string) []Problem {
	var c check
	r.printer(&c, "printer", name)
	return c
}

// paper checks what a sale wants printed.
func (r Rules) paper(c *check, p PrintWish) {
	c.mode(p, PrintReceipt, PrintSlip, PrintLines, PrintRaw, PrintNone)
	if r.printer(c, "print.printer", p.Printer) {
		r.content(c, "print.", p.Printer, p.Content())
	}
}

// printer checks the name of a printer, "" for ReceiptPrinter, and reports
// whether there is such a one.
func (r Rules) printer(c *check, field, name string) bool {
	known := name == "" || name == ReceiptPrinter || slices.Contains(r.Printers, name)
	if !known {
		c.say(field, OneOf, strings.Join(append([]string{ReceiptPrinter}, r.Printers...), ", "))
	}
	return known
}

// content checks lines or bytes for a printer; at is the path before their names.
func (r Rules) content(c *check, at, printer string, content Content) {
	if empty := len(content.Data) == 0 || string(content.Data) == "[]"; empty && content.Form != "" {
		c.say(at+string(content.Form), Required)
		return
	}
	if content.Form == PrintLines && r.Lines != nil {
		for _, p := range r.Lines(cmp.Or(printer, ReceiptPrinter), content.Data) {
			c.add(at+p.Field, p.Message)
		}
	}
}

// mode checks a wish for paper beside its content.
func (c *check) mode(p PrintWish, allowed ...PrintMode) {
	if !slices.Contains(allowed, p.Mode) {
		words := ""
		for i, m := range allowed {
			if i > 0 {
				words += ", "
			}
			words += string(m)
		}
		c.say("print.mode", OneOf, words)
	}
	if len(p.Lines) > 0 && p.Mode != PrintLines {
		c.say("print.lines", OtherMode, string(PrintLines))
	}
	if len(p.Raw) > 0 && p.Mode != PrintRaw {
		c.say("print.raw", OtherMode, string(PrintRaw))
	}
	c.copies("print.copies", p.Copies)
}

func (c *check) copies(field string, n int) {
	if n < 1 || n > MaxCopies {
		c.say(field, Between, "1", "5")
	}
}
