package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
	"tillagent/trade"
)

// What of the log and of the journal goes into a file for support.
const (
	supportLog     = 200 // lines, the newest
	supportJournal = 500 // entries, the newest
)

func supportCommand() *cobra.Command {
	var path, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "support --config FILE [--out FILE.zip]",
		Short: "打包给技术支持的资料,不含密钥和个人信息  One file for support, without secrets and personal data",
		Long: `把版本、配置(不含密钥)、最近的日志、流水末尾和体检结果打成一个 zip,发给技术支持。
不含密钥、令牌、购买方信息;电话、邮箱、税号、姓名在其中被遮住。

Puts the version, the configuration without secrets, the last of the log and of the journal, and doctor's result into one zip for support.
Keys, tokens and buyers' data are not in it; telephone numbers, mail addresses, tax numbers and names are masked.`,
		Example: "  agent support --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return missing(cmd, "--config")
			}
			if out == "" {
				out = "piaotong-agent-support-" + time.Now().In(trade.Beijing).Format("20060102-150405") + ".zip"
			}
			if cfg, err := config.Load(path, os.Environ()); err == nil { // support is for broken ones too
				if err := spareOwn(cfg, path, out); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), doctorTime)
			defer cancel()
			var b bytes.Buffer
			if err := writeSupport(ctx, &b, path); err != nil {
				return err
			}
			if err := os.WriteFile(out, b.Bytes(), 0o600); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"file": out})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), say("请把这个文件发给技术支持:", "send this file to support: ")+out)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&out, "out", "", "zip 文件  the zip file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

// writeSupport writes the zip. What cannot be read is told in its place.
func writeSupport(ctx context.Context, w io.Writer, path string) error {
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		cfg = nil // doctor has the reason
	}
	hide := newScrubber(cfg)
	z := zip.NewWriter(w)
	add := func(name string, text []byte, failed error) error {
		if failed != nil {
			name, text = name+".missing.txt", []byte(failed.Error()+"\n")
		}
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(hide.scrub(text))
		}
		return err
	}
	var errs []error
	version, err := json.MarshalIndent(thisBuild(), "", "  ")
	errs = append(errs, add("version.json", version, err))
	d, err := json.MarshalIndent(examine(ctx, path), "", "  ")
	errs = append(errs, add("doctor.json", d, err))
	if cfg != nil {
		settings, err := json.MarshalIndent(settingsOf(reflect.ValueOf(*cfg)), "", "  ")
		errs = append(errs, add("config.json", settings, err))
		lines, err := lastLines(cfg)(supportLog)
		errs = append(errs, add("agent.log", joined(lines), err))
		text, err := journalTail(ctx, cfg)
		errs = append(errs, add("journal.jsonl", text, err))
	}
	return errors.Join(append(errs, z.Close())...)
}

// joined puts the lines of a log together again.
func joined(lines []json.RawMessage) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		b.Write(bytes.TrimRight(l, "\r\n"))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// hiddenSettings are left out of the configuration for support: names of people,
// who the shop is, and what it prints, which may have telephone numbers in it.
var hiddenSettings = []string{"TaxpayerNum", "EnterpriseName", "DrawerName", "CashierName", "ReviewerName", "Header", "Footer"}

// settingsOf gives a configuration for support. Secrets hide themselves, and
// tell only whether they are given.
func settingsOf(v reflect.Value) any {
	switch {
	case v.Type() == reflect.TypeFor[config.Secret]():
		if v.String() == "" {
			return ""
		}
		return config.Secret("given")
	case v.Type() == reflect.TypeFor[time.Duration]():
		return time.Duration(v.Int()).String()
	case v.Kind() == reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			m[name] = settingsOf(v.Field(i))
			for _, h := range hiddenSettings {
				if name == h && !v.Field(i).IsZero() {
					m[name] = "[given]"
				}
			}
		}
		return m
	case v.Kind() == reflect.Slice:
		all := make([]any, v.Len())
		for i := range all {
			all[i] = settingsOf(v.Index(i))
		}
		return all
	}
	return v.Interface()
}

// tail reads the last bytes of a file, from the beginning of a line on.
func tail(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	cut := info.Size() > most
	if cut {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	if _, after, found := bytes.Cut(text, []byte("\n")); cut && found {
		text = after
	}
	return text, err
}

// journalTail is the end of the journal as JSON lines. It names sales and
// refunds, and nothing of what is in them.
func journalTail(ctx context.Context, cfg *config.Config) ([]byte, error) {
	v, err := queue.OpenView(ctx, databasePath(cfg))
	if err != nil {
		return nil, viewError(err)
	}
	defer v.Close()
	entries, err := v.JournalTail(ctx, supportJournal)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, entry := range entries {
		if err := e.Encode(entry); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// scrubber masks what must not leave the shop, as a second line behind logs that
// do not have it in the first place.
type scrubber struct{ secrets *strings.Replacer }

// personal finds telephone numbers (mobile and fixed), mail addresses and the
// 18-character tax numbers of enterprises.
var personal = regexp.MustCompile(`\b1[3-9]\d{9}\b|\b0\d{2,3}-\d{7,8}\b|[\w.+-]+@[\w-]+\.[\w.-]+|\b[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}\b`)

func newScrubber(cfg *config.Config) scrubber {
	if cfg == nil {
		return scrubber{strings.NewReplacer()}
	}
	var pairs []string
	hide := func(text string) {
		if len(text) >= 4 { // shorter ones are no secrets, and stand in other words
			pairs = append(pairs, text, "[hidden]")
		}
	}
	p := cfg.Piaotong
	for _, s := range cfg.Secrets {
		hide(cfg.Secret(s.Name).Reveal())
	}
	hide(p.DES3KeyNext.Reveal())
	for _, t := range cfg.API.Tokens {
		hide(t.Token.Reveal())
	}
	hide(p.TaxpayerNum)
	hide(p.EnterpriseName)
	for _, name := range []string{p.DrawerName, p.CashierName, p.ReviewerName} {
		hide(name)
	}
	for _, file := range []string{ownTokenFile(cfg), p.PrivateKeyFile, p.PrivateKeyNextFile} {
		text, err := config.ReadSecretFile(file)
		if err != nil {
			continue // then nobody has put it into a log of ours either
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
				hide(line)
			}
		}
	}
	if home, err := os.UserHomeDir(); err == nil && home != "/root" {
		hide(filepath.Base(home)) // often somebody's name
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

func (s scrubber) scrub(text []byte) []byte {
	return personal.ReplaceAll([]byte(s.secrets.Replace(string(text))), []byte("[hidden]"))
}
