package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/receipt"
)

// A verdict is what a check found.
type verdict string

const (
	verdictOK     verdict = "ok"
	verdictNote   verdict = "note" // to be known, nothing to be mended
	verdictFailed verdict = "failed"
)

// The checks of doctor, in its order.
const (
	checkConfig      = "config"
	checkRights      = "rights"
	checkKeys        = "keys"
	checkDisk        = "disk"
	checkService     = "service"
	checkDatabase    = "database"
	checkToken       = "token"
	checkCertificate = "certificate"
	checkPort        = "port"
	checkPrinter     = "printer"
	checkPlatform    = "platform"
	checkCredentials = "credentials"
	checkClock       = "clock"
	checkAccounts    = "accounts"
	checkPath        = "path"
)

// checkNames are the checks for people.
var checkNames = map[string]struct{ zh, en string }{
	checkConfig: {"配置", "configuration"}, checkRights: {"文件权限", "file rights"}, checkKeys: {"密钥", "keys"}, checkDisk: {"磁盘", "disk"},
	checkService: {"服务", "service"}, checkDatabase: {"数据库", "database"}, checkToken: {"API 令牌", "API token"}, checkCertificate: {"API 证书", "API certificate"}, checkPort: {"端口", "port"},
	checkPrinter: {"打印机", "printer"}, checkPlatform: {"票通平台", "platform"}, checkCredentials: {"平台凭证", "credentials"}, checkClock: {"时钟", "clock"},
	checkAccounts: {"税务账号", "tax accounts"}, checkPath: {"接口路径", "path"},
}

// finding is one line of doctor.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	What    string  `json:"what"`
	Do      string  `json:"do,omitempty"` // the next step, in one sentence
}

// diagnosis is all that doctor tells.
type diagnosis struct {
	OK       bool      `json:"ok"` // nothing failed
	Service  bool      `json:"service_running"`
	Findings []finding `json:"checks"`
}

// doctor goes through the checks. Nothing that it does changes, prints or
// issues anything.
type doctor struct {
	diagnosis
	path  string
	cfg   *config.Config
	local *serviceStatus // of the running service; nil where none runs or answers us
	waits map[string]int // print jobs not on paper yet, by printer
	held  bool           // an agent that we cannot ask holds the database, and so the port
}

func (d *doctor) add(v verdict, check, what, do string) {
	d.Findings = append(d.Findings, finding{check, v, what, do})
}

func (d *doctor) ok(check, what string)         { d.add(verdictOK, check, what, "") }
func (d *doctor) note(check, what, do string)   { d.add(verdictNote, check, what, do) }
func (d *doctor) failed(check, what, do string) { d.add(verdictFailed, check, what, do) }

// examine makes the diagnosis of a configuration file.
func examine(ctx context.Context, path string) diagnosis {
	d := &doctor{path: path, diagnosis: diagnosis{Findings: []finding{}}}
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		d.badConfig(err)
	} else {
		d.cfg = cfg
		d.configFiles()
		d.rights()
		keys := d.keys()
		d.disk()
		d.service(ctx)
		d.database(ctx)
		d.token()
		d.certificate(time.Now())
		d.printers(ctx)
		if cfg.Piaotong.Configured() {
			if keys {
				d.platform(ctx)
			}
			d.paths()
		}
	}
	d.OK = true
	for _, f := range d.Findings {
		d.OK = d.OK && f.Verdict != verdictFailed
	}
	return d.diagnosis
}

// configFiles reads the files that the configuration names, as the start does: each
// that cannot be used has a line of its own.
func (d *doctor) configFiles() {
	_, goods := openCatalogue(d.cfg.Tax)
	_, logo := readLogo(d.cfg.Receipt.Logo)
	var model error
	if d.cfg.Printer.Port == "" { // else the check of the printer tells
		_, model = profileOf(d.cfg.Printer)
	}
	if goods == nil && logo == nil && model == nil {
		d.ok(checkConfig, d.path)
	}
	for _, err := range []error{goods, logo, model} {
		if err != nil {
			d.badConfig(config.Locate(err, d.path, os.Environ()))
		}
	}
	if d.cfg.Receipt.Template == "" {
		return
	}
	if _, err := receipt.LoadTemplate(d.cfg.Receipt.Template); err != nil {
		d.note(checkConfig, "receipt.template: "+err.Error(), say("改好模板;之前用内置模板", "correct the template; until then the built-in one is used"))
	}
}

// badConfig gives each problem a line of its own.
func (d *doctor) badConfig(err error) {
	do := say("改好配置,再运行 agent doctor", "correct it, then run agent doctor again")
	var ps *config.Problems
	if !errors.As(err, &ps) {
		d.failed(checkConfig, err.Error(), do)
		return
	}
	for _, p := range *ps {
		if p.Line == 0 && p.Key == "" { // the file as a whole, of which it says what to do
			do = say("然后再运行 agent doctor", "then run agent doctor again")
		}
		d.failed(checkConfig, config.Problems{p}.In(lang), do)
	}
}

// marks stand before the lines.
var marks = map[verdict]string{verdictOK: "✓", verdictNote: "!", verdictFailed: "✗"}

func (d diagnosis) write(w io.Writer) error {
	for _, f := range d.Findings {
		name := checkNames[f.Check]
		line := fmt.Sprintf("%s %s: %s", marks[f.Verdict], say(name.zh, name.en), f.What)
		if f.Do != "" {
			line += " → " + f.Do
		}
		line = strings.ReplaceAll(line, "\n", " ") // what the database says of itself has several
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// failures counts what failed.
func (d diagnosis) failures() (n int) {
	for _, f := range d.Findings {
		if f.Verdict == verdictFailed {
			n++
		}
	}
	return n
}

// doctorTime bounds the whole of it: the check of a large database is the
// longest part.
const doctorTime = 5 * time.Minute

func doctorCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor --config FILE",
		Short: "体检:逐项检查并给出下一步  Checks everything a technician would be called for, with the next step",
		Long: `逐项检查:✓ 正常,! 提示,✗ 不正常并给出下一步。全部正常才以 0 退出。不打印、不开票、不改动任何东西;
服务运行时向服务询问,不会第二次打开端口和数据库。

Checks one thing after the other: ✓ holds, ! is to be known, ✗ does not hold, with the next step. Exit status 0 only if all hold.
Nothing is printed, issued or changed; where the service runs it is asked, and port and database are not opened a second time.`,
		Example: "  agent doctor --config /etc/piaotong-agent/config.toml\n  agent doctor --config config.toml --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return missing(cmd, "--config")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), doctorTime)
			defer cancel()
			d := examine(ctx, path)
			var err error
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(d)
			} else {
				err = d.write(cmd.OutOrStdout())
			}
			if err == nil && !d.OK {
				err = fmt.Errorf(say("%d 项不正常", "%d checks failed"), d.failures())
			}
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}
