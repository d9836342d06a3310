package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const further = "[[printers]]\nname = 'kitchen'\nport = 'tcp://192.0.2.10:9100'\n"

func TestFurtherPrinters(t *testing.T) {
	dir := t.TempDir()
	c, err := Parse(filepath.Join(dir, "config.toml"), []byte(further+"baud = 19200\npaper = '58mm'\ntickets = true\n[printer]\nport = 'COM1'\nbaud = 1200\n"+
		"[[printers]]\nname = 'bar-2'\nport = 'paper:bar'\nprofiles = 'models.toml'\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	kitchen, bar := Default().Printer, Default().Printer
	kitchen.Name, kitchen.Port, kitchen.Baud, kitchen.Paper, kitchen.Tickets = "kitchen", "tcp://192.0.2.10:9100", 19200, "58mm", true
	bar.Name, bar.Port, bar.Profiles = "bar-2", "paper:"+filepath.Join(dir, "bar"), filepath.Join(dir, "models.toml")
	if !slices.Equal(c.Printers, []Printer{kitchen, bar}) {
		t.Errorf("%+v", c.Printers)
	}
	if c.Printer.Name != ReceiptPrinter || c.Printer.Baud != 1200 {
		t.Errorf("%+v", c.Printer)
	}
	if got := c.Plugged(); len(got) != 3 || got[0].Name != ReceiptPrinter || got[2].Name != "bar-2" {
		t.Errorf("%+v", got)
	}
	inline := mustParse(t, "printers = [{name = 'kitchen', port = 'COM2'}]")
	if got := inline.Plugged(); len(got) != 1 || got[0].Name != "kitchen" || got[0].Port != "COM2" {
		t.Errorf("%+v", got)
	}
}

// TestFurtherPrintersRefused has one wrong thing in each file.
func TestFurtherPrintersRefused(t *testing.T) {
	for _, tt := range []struct {
		file   string
		line   int
		key    string
		zh, en string
	}{
		{"[[printers]]\nname = 'kitchen'", 1, "printers.port", "缺少", "is missing"},
		{"[[printers]]\nname = 'kitchen'\nport = ''", 3, "printers.port", "缺少", "is missing"},
		{"[[printers]]\nport = 'COM2'", 1, "printers.name", "缺少", "is missing"},
		{"[[printers]]\nname = 'receipt'\nport = 'COM2'", 2, "printers.name", "不能是", `not "receipt"`},
		{"[[printers]]\nname = 'Kitchen'\nport = 'COM2'", 2, "printers.name", "a-z 0-9", "a-z 0-9"},
		{"[[printers]]\nname = 'abcdefghijklmnopqrstu'\nport = 'COM2'", 2, "printers.name", "1 到 20", "1 to 20"},
		{further + "boud = 9600", 4, "printers.boud", "是不是 baud", "did you mean baud?"},
		{further + "ticket = true", 4, "printers.ticket", "是不是 tickets", "did you mean tickets?"},
		{further + "baud = 1", 4, "printers.baud", "1200", "1200"},
		{further + "paper = '80'", 4, "printers.paper", "58mm", "58mm"},
		{further + "tickets = 1", 4, "printers.tickets", "true", "true"},
		{further + "baud = 9600\nbaud = 9600", 5, "printers.baud", "第 4 行", "line 4"},
		{further + "port.x = 1", 4, "printers.port.x", "没有这个键", "no such key"},
		{further + "[[printers]]\nname = 'kitchen'\nport = 'COM2'", 5, "printers.name", "重复", "given twice"},
		{further + "[[printers]]\nname = 'bar'\nport = 'tcp://192.0.2.10:9100'", 6, "printers.port", "kitchen", "kitchen"},
		{further + "[printer]\nport = 'tcp://192.0.2.10:9100'", 3, "printers.port", "receipt", "receipt"},
		{"[printer]\nport = '/dev/usb/lp0'\n[[printers]]\nname = 'bar'\nport = 'usb:/dev/usb/lp0'", 5, "printers.port", "receipt", "receipt"},
		{"[printers]\nname = 'kitchen'", 1, "printers", "[[printers]]", "[[printers]]"},
		{"[printers.kitchen]\nport = 'COM2'", 1, "printers", "[[printers]]", "[[printers]]"},
		{"printers = 'kitchen'", 1, "printers", "[[printers]]", "[[printers]]"},
		{"printers = ['kitchen']", 1, "printers", "[[printers]]", "[[printers]]"},
		{"[[printrs]]\nname = 'kitchen'", 1, "printrs", "是不是 printers", "did you mean printers?"},
		{"printers = []\n" + further, 2, "", "语法错误", "syntax error"},
	} {
		ps := problems(t, tt.file)
		p := ps[0]
		if len(ps) != 1 || p.Line != tt.line || p.Key != tt.key || !strings.Contains(p.Message, tt.zh) || !strings.Contains(p.English, tt.en) {
			t.Errorf("%s\n%v\nwant line %d, %s: %s", tt.file, ps, tt.line, tt.key, tt.en)
		}
	}
	p := problems(t, "", "AGENT_PRINTERS=kitchen")[0]
	if p.File != "AGENT_PRINTERS" || !strings.Contains(p.English, "environment") {
		t.Errorf("%+v", p)
	}
}
