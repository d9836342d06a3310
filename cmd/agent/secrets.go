package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
)

// This file has the commands that keep keys and secrets: out of the command line
// and out of the configuration, in files of their own.

// The names of the keys that are changed while work goes on.
const (
	privateKeyName  = "private_key"
	platformKeyName = "platform_public_key"
	des3KeyName     = "des3_key"
)

// secretsFolder is where secrets are kept that the configuration names no file
// for, in the folder of data.
const secretsFolder = "secrets"

// mostInput is how much of a secret is read, in bytes.
const mostInput = 16 << 10

func secretsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "密钥与口令:存入、列出、更换  Keys and secrets: store, list, change",
		Long: `密钥和口令放在各自的文件里,不写在命令行和配置里。Windows 上用 DPAPI 按本机加密;Linux 上文件只有服务账号能读(0600)。

Linux 也可以交给 systemd 加密保管(名称同 agent secrets list):
  systemd-creds encrypt --name=des3_key des3.txt /etc/piaotong-agent/des3_key.cred
  systemctl edit piaotong-agent,写入:
    [Service]
    LoadCredentialEncrypted=des3_key:/etc/piaotong-agent/des3_key.cred
  其他命令要读到它(服务运行时):sudo CREDENTIALS_DIRECTORY=/run/credentials/piaotong-agent.service piaotong-agent doctor --config FILE

Keys and secrets are in files of their own, not on the command line and not in the configuration. On Windows they are encrypted for
this machine (DPAPI); on Linux the service's account alone can read the files (0600).

On Linux systemd can keep them encrypted instead, by the names of agent secrets list: make a credential and have the unit load it, as
above. Other commands read it as above, while the service runs.`,
		Example: "  sudo agent secrets list --config /etc/piaotong-agent/config.toml\n  sudo agent secrets set des3_key --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(errUsage, cmd.Help())
		},
	}
	set := secretsSetCommand()
	set.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return secretNames(), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.AddCommand(secretsListCommand(), set, secretsImportCommand(), rotateCommand())
	return cmd
}

// secretRow is a secret as `agent secrets list` tells of it.
type secretRow struct {
	Name        string        `json:"name"`
	Key         string        `json:"key"`
	From        config.Origin `json:"from"`
	Path        string        `json:"path,omitempty"`
	Protected   bool          `json:"protected"`             // encrypted for this machine
	Fingerprint string        `json:"fingerprint,omitempty"` // of the public part
	Next        bool          `json:"next"`                  // a change is under way
	NextPrint   string        `json:"next_fingerprint,omitempty"`
	Problem     string        `json:"problem,omitempty"`
}

func secretsListCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list --config FILE",
		Short:   "列出密钥和口令从哪里来,不显示内容  Where keys and secrets come from, never what they are",
		Example: "  sudo agent secrets list --config /etc/piaotong-agent/config.toml --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			rows := secretRows(cfg)
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(rows)
			}
			return writeSecretRows(cmd.OutOrStdout(), rows)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

func secretRows(cfg *config.Config) []secretRow {
	rows := make([]secretRow, len(cfg.Secrets))
	for i, s := range cfg.Secrets {
		r := secretRow{Name: s.Name, Key: s.Key, From: s.From, Path: s.Path}
		contents, err := os.ReadFile(s.Path)
		r.Protected = s.Path != "" && err == nil && config.IsProtected(contents)
		switch s.Name {
		case privateKeyName:
			r.Fingerprint, r.Problem = printOf(s, s.Path, ownPublic)
			if next := cfg.Piaotong.PrivateKeyNextFile; next != "" {
				r.Next = true
				r.NextPrint, _ = printOf(s, next, ownPublic)
			}
		case platformKeyName:
			r.Fingerprint, r.Problem = printOf(s, s.Path, piaotong.ParsePublicKey)
			if next := cfg.Piaotong.PlatformPublicKeyNextFile; next != "" {
				r.Next = true
				r.NextPrint, _ = printOf(s, next, piaotong.ParsePublicKey)
			}
		case des3KeyName:
			r.Next = cfg.Piaotong.DES3KeyNext != ""
		}
		if (s.Name == privateKeyName || s.Name == platformKeyName) && !cfg.Piaotong.Configured() && r.Fingerprint == "" {
			r.From, r.Path, r.Problem = config.FromNowhere, "", ""
		}
		rows[i] = r
	}
	return rows
}

func writeSecretRows(out io.Writer, rows []secretRow) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	from := map[config.Origin]string{config.FromNowhere: say("没有", "none"), config.FromConfig: say("写在配置里", "in the configuration"),
		config.FromEnvironment: say("环境变量", "environment"), config.FromFile: say("文件", "file"), config.FromCredential: say("systemd 凭据", "systemd credential")}
	for _, r := range rows {
		about := []string{r.Path}
		if r.Protected {
			about = append(about, "DPAPI")
		}
		if r.From == config.FromConfig {
			about = append(about, say("→ agent secrets import 移到单独的文件", "→ agent secrets import moves it into a file"))
		}
		about = append(about, r.Fingerprint, r.Problem)
		if r.Next {
			about = append(about, say("正在更换,下一个:", "being changed, the next:"), r.NextPrint)
		}
		about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Name, from[r.From], strings.Join(about, "  "))
	}
	return w.Flush()
}

func secretsSetCommand() *cobra.Command {
	var path string
	var replace bool
	cmd := &cobra.Command{
		Use:   "set --config FILE NAME",
		Short: "存入密钥或口令,不经过命令行参数  Stores a key or secret, which is never an argument",
		Long: `存入一个密钥或口令:在提示后输入(不回显),或从标准输入读。名称见 agent secrets list。配置已指定文件的写到该文件,
其余写到数据目录的 secrets 里,并改好配置。已有另一个值时要加 --replace;平台正在使用的密钥请用 agent secrets rotate 更换。

Stores a key or secret: typed after a prompt, without echo, or from standard input. agent secrets list has the names. It goes to the file
that the configuration names, else into secrets in the folder of data, and the configuration is changed to name that. Where there is
another value --replace is needed; keys that are in use with the platform are changed with agent secrets rotate.`,
		Example: "  sudo agent secrets set des3_key --config /etc/piaotong-agent/config.toml\n  sudo agent secrets set platform_public_key --config /etc/piaotong-agent/config.toml < platform.pem",
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			if path == "" {
				return missing(cmd, "--config")
			}
			k := keeper{path: path, replace: replace}
			if err := k.find(args[0]); err != nil {
				return err
			}
			value, err := readSecret(cmd, args[0])
			if err != nil {
				return err
			}
			return k.set(cmd.OutOrStdout(), args[0], value)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&replace, "replace", false, "替换已有的值  replace the value that is there")
	return cmd
}

// readSecret reads from standard input: one line without echo from a terminal,
// else all there is.
func readSecret(cmd *cobra.Command, name string) (string, error) {
	in := cmd.InOrStdin()
	isTerminal := false
	if f, ok := in.(*os.File); ok {
		restore, terminal, err := hideInput(f)
		if err != nil {
			return "", err
		}
		defer restore()
		isTerminal = terminal
	}
	if isTerminal {
		fmt.Fprintf(cmd.ErrOrStderr(), say("%s(不显示,回车结束;多行的 PEM 请用 < 文件):", "%s (not shown, ends with Enter; for PEM of several lines use < FILE): "), name)
		defer fmt.Fprintln(cmd.ErrOrStderr())
	}
	return readLimited(cmd.Context(), in, isTerminal)
}

// readLimited reads a secret.
func readLimited(ctx context.Context, in io.Reader, oneLine bool) (string, error) {
	text, err := typed(ctx, func() (string, error) {
		limited := io.LimitReader(in, mostInput+1)
		if !oneLine {
			data, err := io.ReadAll(limited)
			return string(data), err
		}
		line, err := bufio.NewReader(limited).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
	text = strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", errors.New(say("没有输入;请在提示后输入,或用 < 文件", "nothing was given; type it after the prompt, or use < FILE"))
	case len(text) > mostInput:
		return "", errors.New(say("输入太长", "that is too long"))
	}
	return text, nil
}

// typed reads what somebody types. The context, which Ctrl-C ends, ends the wait
// for it; the reading itself ends with the input, or the program.
func typed(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		text, err := read()
		got <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", errCancelled()
	case r := <-got:
		return r.text, r.err
	}
}

// errCancelled tells of Ctrl-C.
func errCancelled() error { return errors.New(say("已取消", "cancelled")) }

func secretsImportCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "import --config FILE",
		Short: "把写在配置里的口令移到单独的文件  Moves secrets out of the configuration into files of their own",
		Long: `把配置文件里明文写的密钥和口令移到数据目录的 secrets 里,配置改为指定文件;Windows 上同时把明文的密钥文件加密。
配置的其他内容和注释不变。编辑器留下的备份请自行删除。

Moves the keys and secrets that stand in the configuration into secrets in the folder of data, and has the configuration name the files;
on Windows plain key files are encrypted, too. All else in the configuration stays, comments too. Copies that an editor left are yours to delete.`,
		Example: "  sudo agent secrets import --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return missing(cmd, "--config")
			}
			k := keeper{path: path}
			return k.moveAll(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	return cmd
}

// secretsDir is where secrets without a file of their own are kept.
func secretsDir(cfg *config.Config) string { return filepath.Join(cfg.DataDir, secretsFolder) }

// ensureSecretsDir makes the folder; only the service gets in.
func ensureSecretsDir(cfg *config.Config) error {
	dir := secretsDir(cfg)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%s: %w", say("无法建立存放密钥的目录", "cannot make the folder of secrets"), err)
	}
	return guardSecret(dir, cfg.DataDir)
}
