package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
	"tillagent/trade"
)

// This file has the commands for who may call the local API: token and console.

const (
	// ownToken names the token that the service makes for itself, and its file.
	ownToken = "api-token"
	// tokensFile has those that `agent token add` made.
	tokensFile = "tokens.json"
)

func ownTokenFile(cfg *config.Config) string { return filepath.Join(cfg.DataDir, ownToken) }

// tokenList is where the tokens that `agent token add` makes are kept.
func tokenList(cfg *config.Config) localapi.TokenList {
	return localapi.TokenList{Path: filepath.Join(cfg.DataDir, tokensFile)}
}

// Where a token comes from, as `agent token list --json` tells it.
const (
	fromFile   = "file"   // DATA_DIR/api-token
	fromConfig = "config" // [api] tokens
	fromList   = "list"   // agent token add
)

// tokenRow is a token without its secret.
type tokenRow struct {
	Name    string        `json:"name"`
	Role    localapi.Role `json:"role"`
	Source  string        `json:"source"`
	Created *time.Time    `json:"created_at"` // null where it is not known
}

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "token",
		Short:   "API 令牌:新增、列出、吊销  Tokens of the local API: add, list, revoke",
		Example: "  agent token list --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(errUsage, cmd.Help())
		},
	}
	cmd.AddCommand(tokenAddCommand(), tokenListCommand(), tokenRevokeCommand())
	return cmd
}

func tokenAddCommand() *cobra.Command {
	var path, role string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add --config FILE --role pos|console|read NAME",
		Short: "新增令牌,只显示一次,立即生效  Makes a token, which works at once and is shown only now",
		Long: `新增令牌:pos 收银,console 全部权限,read 只读。令牌只显示一次,本机只存它的 SHA-256。
服务运行或停止时都可用,立即生效。

Makes a token: pos for a cash register, console for everything, read for reading. It is shown once;
its SHA-256 alone is stored. It works at once, whether the service runs or not.`,
		Example: "  agent token add --config /etc/piaotong-agent/config.toml --role pos till-2",
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			if role == "" {
				return missing(cmd, "--role")
			}
			if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
				return fmt.Errorf("%s: %w", say("无法建立数据目录", "cannot make the data folder"), err)
			}
			secret, err := tokenList(cfg).Add(args[0], localapi.Role(role), time.Now(), otherNames(cfg)...)
			if err != nil {
				return tokenError(err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"name": args[0], "role": role, "token": secret})
			}
			fmt.Fprintln(cmd.ErrOrStderr(), say("令牌只显示这一次,请现在就填入收银软件:", "This is shown only now; put it into the POS:"))
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&role, "role", "", "pos, console, read")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

func tokenListCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list --config FILE",
		Short:   "列出令牌的名称和权限  Names and roles of the tokens",
		Example: "  agent token list --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			rows, err := tokenRows(cfg)
			if err != nil {
				return tokenError(err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(rows)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, r := range rows {
				created := ""
				if r.Created != nil {
					created = r.Created.In(trade.Beijing).Format(time.DateTime)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.Role, r.Source, created)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

func tokenRevokeCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "revoke --config FILE NAME",
		Short:   "吊销令牌,立即生效  Revokes a token; it is refused from the next call on",
		Example: "  agent token revoke --config /etc/piaotong-agent/config.toml till-2",
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			err = tokenList(cfg).Revoke(args[0])
			switch {
			case errors.Is(err, localapi.ErrNoToken) && args[0] == ownToken:
				return fmt.Errorf(say("%s 是服务自己的令牌:停止服务,删除 %s,再启动会换新", "%s is the service's own: stop the service, delete %s, and the next start makes a new one"), ownToken, ownTokenFile(cfg))
			case errors.Is(err, localapi.ErrNoToken) && slices.Contains(otherNames(cfg), args[0]):
				return fmt.Errorf(say("%s 写在配置里:从 [api] tokens 删去并重启服务", "%s is in the configuration: take it out of [api] tokens and start the service again"), args[0])
			case err != nil:
				return tokenError(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", say("已吊销:", "revoked:"), args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	return cmd
}

// oneName refuses anything but one argument.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: %s\n%s", errUsage, say("要有一个名称", "one name is needed"), cmd.UsageString())
	}
	return nil
}

// otherNames are the names of the tokens that are not in the list.
func otherNames(cfg *config.Config) []string {
	names := []string{ownToken}
	for _, t := range cfg.API.Tokens {
		names = append(names, t.Name)
	}
	return names
}

func tokenRows(cfg *config.Config) ([]tokenRow, error) {
	given, err := tokenList(cfg).Tokens()
	if err != nil {
		return nil, err
	}
	rows := []tokenRow{{ownToken, localapi.RoleConsole, fromFile, nil}}
	for _, t := range cfg.API.Tokens {
		rows = append(rows, tokenRow{t.Name, localapi.Role(t.Role), fromConfig, nil})
	}
	for _, t := range given {
		rows = append(rows, tokenRow{t.Name, t.Role, fromList, &t.CreatedAt})
	}
	return rows, nil
}

// tokenWords are the errors of a list of tokens for people.
var tokenWords = []struct {
	err error
	zh  string
}{
	{localapi.ErrTokenName, "名称为 1 到 64 个字母、数字、. _ -"},
	{localapi.ErrTokenRole, "--role 只能是 pos、console 或 read"},
	{localapi.ErrTokenTaken, "已有同名的令牌"},
	{localapi.ErrNoToken, "没有这个名称的令牌"},
	{localapi.ErrTokensFull, "令牌太多,请吊销不用的"},
	{localapi.ErrTokensTorn, "令牌文件已损坏:请改正,或删除后重新发放"},
	{localapi.ErrTokensInUse, "另有一条命令正在修改令牌,请再试一次"},
	{localapi.ErrTokenRights, "其他用户能读令牌文件,请改为只有所有者可读(chmod 600)"},
}

func tokenError(err error) error {
	for _, w := range tokenWords {
		if !errors.Is(err, w.err) {
			continue
		}
		text := say(w.zh, w.err.Error())
		switch w.err {
		case localapi.ErrTokenName, localapi.ErrTokenRole:
			return fmt.Errorf("%w: %s", errUsage, text)
		case localapi.ErrTokenTaken, localapi.ErrNoToken:
			text += say(";agent token list 列出已有的", "; agent token list shows those there are")
		}
		return errors.New(text)
	}
	return err
}

func consoleCommand() *cobra.Command {
	var path string
	var asJSON, noOpen bool
	cmd := &cobra.Command{
		Use:     "console --config FILE",
		Short:   "显示打开控制台的一次性链接,60 秒内有效;在桌面上同时打开浏览器  Prints a link to the console, good once and for 60 s; on a desktop the browser opens it",
		Example: "  agent console --config /etc/piaotong-agent/config.toml\n  agent console --config config.toml --no-open",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			link, err := consoleLink(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"url": link, "seconds": consoleSeconds})
			}
			out := cmd.OutOrStdout()
			text := say("请在 60 秒内在本机浏览器打开,只能用一次:", "Open it in a browser of this machine within 60 seconds; it works once:")
			if !noOpen && onTerminal(out) && openBrowser(link) {
				text = say("正在浏览器中打开;没有出现就自己打开,60 秒内有效,只能用一次:", "The browser is opening it; if it does not, open it yourself within 60 seconds; it works once:")
			}
			fmt.Fprintln(cmd.ErrOrStderr(), text)
			_, err = fmt.Fprintln(out, link)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	cmd.Flags().BoolVar(&noOpen, "no-open", false, "不打开浏览器  open no browser")
	return cmd
}

// consoleSeconds is how long a link works.
const consoleSeconds = 60

// consoleLink asks the running service for a one-time code. The code stands in
// the link's fragment, which browsers send to nobody.
func consoleLink(ctx context.Context, cfg *config.Config) (string, error) {
	local, err := localOf(cfg)
	if err != nil {
		return "", errors.New(say("配置里的 api.listen 没有固定端口", "api.listen of the configuration has no fixed port"))
	}
	if _, err := os.Stat(ownTokenFile(cfg)); err != nil {
		return "", fmt.Errorf("%s: %w", say("服务没有运行过,或当前用户无权读取它的数据目录", "the service never ran, or this user may not read its data folder"), err)
	}
	token, err := localapi.TokenFile(ownTokenFile(cfg))
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, local.url+"/v1/console-codes", bytes.NewReader([]byte("{}")))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := local.transport().RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("%s: %w", say("服务没有运行,先 agent start", "the service does not run: agent start first"), err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return "", err
	}
	var made struct{ Code string }
	if resp.StatusCode != http.StatusCreated || json.Unmarshal(text, &made) != nil || made.Code == "" {
		return "", fmt.Errorf("%s: %s %s", say("服务没有给出登录码", "the service gives no code"), resp.Status, strings.TrimSpace(string(text)))
	}
	return local.pageURL(cfg.API) + "/#code=" + made.Code, nil
}
