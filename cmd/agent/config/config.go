// Package config reads the agent's configuration: one TOML file, overridden key by key from the environment.
//
// Reading is strict. Unknown keys, wrong types and impossible values are refused, and all of them are reported at once,
// each with its line, its key and what is allowed, in Chinese and English. One table (table.go) describes every key; the
// reader, the environment, the defaults and the test of config.example.toml all work from it.
//
// Values are taken as they stand: $ and % are never expanded (a 3DES key may hold both). Relative paths are relative to
// the folder of the configuration file, because a service's working directory is nobody's choice.
package config

import (
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Config is the whole configuration, checked. A value of this type from Load or Parse holds absolute paths only.
type Config struct {
	DataDir   string // database, API token, logs; never empty
	API       API
	Piaotong  Piaotong
	Tax       Tax
	Printer   Printer   // the one for receipts
	Printers  []Printer // further ones
	Receipt   Receipt
	Dropbox   Dropbox
	Alerts    Alerts
	Retention Retention
	Backup    Backup
	Update    Update
	Log       Log

	Secrets     []SecretSource // where each secret and key comes from
	SecretFiles []string       // the files from which secrets were read, and of next keys; without systemd's credentials
}

// API is the local HTTP interface for the POS.
type API struct {
	Listen      string   // host:port; host is an IP address or localhost; port 0 takes a free one
	Hosts       []string // further Host names that are served, name or name:port
	Origins     []string // web origins that may call, exactly as browsers send them
	Tokens      []Token  // besides DATA_DIR/api-token, which always works
	AllowRemote bool     // Listen may be other than loopback; the TLS files are then given
	TLSCertFile string   // PEM; given together with TLSKeyFile or not at all
	TLSKeyFile  string
}

// Token is one client of the API.
type Token struct {
	Name  string // unique among the tokens
	Role  string // pos, console or read
	Token Secret // at least 32 characters, unique among the tokens
}

// Piaotong is the access to the platform.
type Piaotong struct {
	BaseURL               string // scheme://host[:port], without a slash at the end
	AllowHTTP             bool   // plain http allowed for a BaseURL that is not loopback
	PlatformCode          string // 平台编码, 8 letters or digits
	PlatformPrefix        string // 平台简称, 4 letters or digits
	TaxpayerNum           string // 15 to 20 digits or capital letters
	EnterpriseName        string // as registered, 4 to 100 characters
	ShopNum               string // empty, or 6 to 20 letters or digits
	TillCode              string // 5 characters of Crockford's base 32, one per till of the merchant; empty = drawn at first start
	DrawerName            string // 开票人, up to 20 bytes in GBK
	CashierName           string // 收款人, up to 16 bytes in GBK
	ReviewerName          string // 复核人, up to 16 bytes in GBK
	DES3Key               Secret // 24 ASCII bytes
	PrivateKeyFile        string // PKCS#8 or PKCS#1, PEM or bare base64
	PlatformPublicKeyFile string // the same forms
	// The keys that take over, while keys are being changed; else "".
	DES3KeyNext               Secret
	PrivateKeyNextFile        string
	PlatformPublicKeyNextFile string

	Timeout     time.Duration
	Concurrency int           // calls at a time, 1 to 32
	QRValid     time.Duration // from the sale until the QR stops working, printed as 开票截止
	Poll        Poll
	Endpoints   map[string]string // paths by the key names of the protocol's table; a key without a path is absent
}

// Configured reports whether the platform's parameters are given. They are given as a whole or not at all: a
// configuration with some of them missing is refused.
func (p Piaotong) Configured() bool {
	for _, s := range p.required() {
		if s.value == "" {
			return false
		}
	}
	return true
}

// Poll says how often unclaimed QRs and running invoices are asked for.
type Poll struct {
	Fast time.Duration // at least 1s
	Slow time.Duration // at least Fast
}

// Tax is what a line gets that names none.
type Tax struct {
	Code      string // tax classification code, 3 to 19 digits, or empty
	Rate      string // decimal such as "0.13", or empty
	Catalogue string // CSV file: sku,name,tax_code,tax_rate,zero_tax_flag,unit,spec; or empty
}

// ReceiptPrinter is the name of the printer that the section [printer] describes.
const ReceiptPrinter = "receipt"

// Printer is a printer.
type Printer struct {
	Name     string // ReceiptPrinter, or of a further one 1 to 20 of a-z 0-9 - _
	Port     string // COMn, /dev/…, tcp://host:port, usb:/dev/…, windows:QUEUE NAME, paper:DIR; empty = no printer
	Baud     int    // 1200 to 921600
	DataBits int    // 7 or 8
	Parity   string // none, odd or even
	StopBits int    // 1 or 2
	Flow     string // none, xonxoff, rtscts or dtrdsr
	Driver   string // tarm or bugst: the library for a serial port
	Profile  string // auto or a profile's name
	Profiles string // file of the shop's own profiles, or empty
	Paper    string // 58mm or 80mm
	QR       string // auto, native or raster
	Confirm  string // auto, process_id, status or none
	Drawer   string // none, pin2 or pin5
	Beeper   bool   // sounds before each paper, where the model can
	Tickets  bool   // of a further one: prints a kitchen ticket for each sale with a receipt
}

// Plugged are the printers that have a port, the one for receipts first.
func (c *Config) Plugged() []Printer {
	if c.Printer.Port == "" {
		return c.Printers
	}
	return append([]Printer{c.Printer}, c.Printers...)
}

// Receipt is what the shop puts on its receipts.
type Receipt struct {
	Header   []string // lines
	Footer   []string // lines
	Logo     string   // picture file, or empty
	Template string   // file of the shop's own order and wording, or empty
	Training bool     // practice: nothing is sold or sent
	QRWait   time.Duration
	Deferred string // on_demand or slip: what happens when the QR comes after the receipt
}

// Dropbox is the folder from which sales and refunds are taken as files.
type Dropbox struct {
	Dir string // empty = none
}

// Alerts is where alerts are sent. The addresses of chat robots carry their credential, so all are secrets; empty = not
// used. They are https, or http to the loopback.
type Alerts struct {
	Webhook        Secret // gets a JSON POST
	WeCom          Secret
	DingTalk       Secret
	DingTalkSecret Secret // the robot's signing secret (加签); empty = it has none
	Feishu         Secret
	FeishuSecret   Secret // the robot's signing secret (签名校验); empty = it has none
}

// Retention says how long data is kept.
type Retention struct {
	BuyerData time.Duration // buyers' phones and mails are wiped after this
	Sales     time.Duration // at least 30 days
}

// Backup is the daily copy of the database.
type Backup struct {
	Dir  string // empty = no daily copies
	Kept int    // copies kept, 1 to 365
}

// Update says whose releases `agent update` installs.
type Update struct {
	Keys []string // public Ed25519 keys that may sign a release: base64 of the DER form, the one line within a PEM file
}

// Log is the agent's own log.
type Log struct {
	Level string // debug, info, warn or error
}

func defaultDataDir() string {
	if runtime.GOOS != "windows" {
		return "/var/lib/piaotong-agent"
	}
	base := os.Getenv("ProgramData")
	if base == "" {
		base = `C:\ProgramData`
	}
	return filepath.Join(base, "piaotong-agent")
}
