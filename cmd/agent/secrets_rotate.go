package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
	"tillagent/worker"
)

// This file changes keys while work goes on. The key that takes over lies beside
// the present one, as FILE.next; while it does, the service uses both.

// nextPublicFile is where the public key of a new pair is put, to be sent to
// Piaotong.
const nextPublicFile = "public-key-for-piaotong-next.txt"

// rotated are the names of the keys that can be changed so.
var rotated = []string{privateKeyName, platformKeyName, des3KeyName}

func rotateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "不停业更换密钥  Changes keys while work goes on",
		Long: `更换密钥,期间新旧两个都有效,销售照常:
  1. agent secrets rotate start      生成新的密钥对(或存入票通给的新公钥、新 3DES 密钥),再 agent restart
  2. 把新公钥发给票通;平台何时切换都可以,服务自己跟上
  3. 票通确认后:agent secrets rotate finish  先向平台核实新密钥可用,再换掉旧的

Changes keys. While it lasts both the old and the new one are valid, and sales go on:
  1. agent secrets rotate start      makes the new pair (or stores Piaotong's new public key or 3DES key); then agent restart
  2. send the new public key to Piaotong; the platform may change over at any moment, the service follows
  3. when Piaotong says so: agent secrets rotate finish  asks the platform whether the new key works, then drops the old one`,
		Example: "  sudo agent secrets rotate start --config /etc/piaotong-agent/config.toml\n  sudo agent secrets rotate finish --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(errUsage, cmd.Help())
		},
	}
	for _, c := range []*cobra.Command{rotateStartCommand(), rotateFinishCommand(), rotateCancelCommand()} {
		c.ValidArgs = rotated
		cmd.AddCommand(c)
	}
	return cmd
}

func rotateStartCommand() *cobra.Command {
	var path string
	var bits int
	cmd := &cobra.Command{
		Use:   "start --config FILE [private_key|platform_public_key|des3_key]",
		Short: "开始更换:准备新密钥,旧的继续有效  Begins: the new key is made ready, the old one stays valid",
		Long: `开始更换一个密钥。private_key(不写名称时):生成新的密钥对,显示要发给票通的公钥。platform_public_key、des3_key:
存入票通给的新值,输入方式同 agent secrets set。之后先 agent restart,再请票通切换。

Begins the change of a key. private_key, which is meant without a name: makes a new pair and shows the public key to send to Piaotong.
platform_public_key and des3_key: stores the new one that Piaotong gave, read as by agent secrets set. Then agent restart, and only then
have Piaotong change over.`,
		Example: "  sudo agent secrets rotate start --config /etc/piaotong-agent/config.toml\n  sudo agent secrets rotate start des3_key --config /etc/piaotong-agent/config.toml",
		Args:    rotatedName(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if bits != 0 && bits != documentedBits && bits != longerBits {
				return fmt.Errorf("%w: --bits: %d, %d", errUsage, documentedBits, longerBits)
			}
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			name := privateKeyName
			if len(args) > 0 {
				name = args[0]
			}
			next, err := nextFile(cfg, name)
			if err != nil {
				return err
			}
			if _, err := os.Lstat(next); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf(say("%s 正在更换中:先 agent secrets rotate finish 或 cancel", "%s is being changed already: agent secrets rotate finish or cancel first"), name)
			}
			if name == privateKeyName {
				return startPair(cmd, cfg, next, bits)
			}
			value, err := readSecret(cmd, name)
			if err != nil {
				return err
			}
			if name == des3KeyName {
				if problem := check(keyOf("piaotong.des3_key"), value); problem != "" {
					return errors.New(problem)
				}
			} else if err := checkKey(cfg, name, value); err != nil {
				return err
			}
			if err := storeByName(name, next, value, cfg.DataDir); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), say("已存入;现在新旧两个都认。请 agent restart,票通切换后运行 agent secrets rotate finish",
				"stored. Once the service is started again (agent restart) both are valid; when Piaotong has changed over, run agent secrets rotate finish"))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().IntVar(&bits, "bits", 0, "新密钥对的位数:1024、2048,默认与现有的相同  bits of the new pair; those of the present one unless said")
	return cmd
}

// rotatedName refuses names of keys that are not changed this way.
func rotatedName(needed bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for i, a := range args {
			if i > 0 || a != privateKeyName && a != platformKeyName && a != des3KeyName {
				return fmt.Errorf("%w: %q: %s\n%s", errUsage, a, strings.Join(rotated, ", "), cmd.UsageString())
			}
		}
		if needed && len(args) == 0 {
			return fmt.Errorf("%w: %s\n%s", errUsage, strings.Join(rotated, ", "), cmd.UsageString())
		}
		return nil
	}
}

// nextFile is where the key that takes over is put.
func nextFile(cfg *config.Config, name string) (string, error) {
	s, _ := cfg.Source(name)
	switch {
	case s.From == config.FromFile:
		return s.Path + config.NextSuffix, nil
	case s.From == config.FromCredential:
		return "", fmt.Errorf(say("它由 systemd 凭据提供:新值请作为凭据 %s%s 给出", "systemd's credentials have it: give the new one as the credential %s%s"), name, config.NextSuffix)
	case s.From == config.FromNowhere:
		return "", fmt.Errorf(say("还没有 %s:用 agent secrets set 存入", "there is no %s yet: store it with agent secrets set"), name)
	}
	return "", errors.New(say("先用 agent secrets import 把它移到单独的文件", "move it into a file of its own first: agent secrets import"))
}

// startPair makes the new pair and shows its public key.
func startPair(cmd *cobra.Command, cfg *config.Config, next string, bits int) error {
	own, err := readPrivateKey("piaotong.private_key_file", cfg.Piaotong.PrivateKeyFile)
	if err != nil {
		return err
	}
	if bits == 0 {
		bits = own.N.BitLen()
	}
	text, err := newPrivateKey(bits)
	if err != nil {
		return err
	}
	if err := storeSecret(next, string(text), cfg.DataDir); err != nil {
		return err
	}
	line, beside, err := savePublic(next, nextPublicFile)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), say("请先 agent restart,再把下面这一行新公钥发给票通(也存于 %s);票通确认后运行 agent secrets rotate finish:\n",
		"run agent restart first; then send this line, our new public key, to Piaotong (it is in %s too); when Piaotong has taken it, run agent secrets rotate finish:\n"), beside)
	_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
	return err
}

func rotateFinishCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "finish --config FILE [private_key|platform_public_key|des3_key]",
		Short: "完成更换:核实新密钥可用,换掉旧的  Ends: the platform takes the new key, the old one goes",
		Long: `完成更换。先用新密钥向平台做一次查询(不改动任何东西):平台接受才换掉旧的,否则什么都不改,以 1 退出。
不写名称时完成所有正在更换的。

Ends the change. First the platform is asked something with the new key alone, which changes nothing there: only if it takes the key does
the old one go; else nothing is changed, and the exit status is 1. Without a name all that are being changed are meant.`,
		Example: "  sudo agent secrets rotate finish --config /etc/piaotong-agent/config.toml",
		Args:    rotatedName(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			names, err := keysUnderWay(cfg, args)
			if err != nil {
				return err
			}
			if err := tryKeys(cmd.Context(), cfg, names, true); err != nil {
				return fmt.Errorf("%s: %w", say("没有换:新密钥还不能用", "nothing is changed: the new key does not work yet"), err)
			}
			for _, name := range names {
				if err := takeNext(cmd.OutOrStdout(), cfg, name); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), say("平台已接受新密钥,旧的已从本机删除。请 agent restart",
				"the platform has taken the new key, and the old one is gone from this machine. Now: agent restart"))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	return cmd
}

func rotateCancelCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "cancel --config FILE private_key|platform_public_key|des3_key",
		Short: "放弃更换:核实旧密钥仍可用,删除新的  Gives the change up: the old key still works, the new one goes",
		Long: `放弃更换。先用现有密钥向平台做一次查询:平台仍接受才删除新的,否则什么都不改,以 1 退出。

Gives the change up. First the platform is asked something with the present key alone: only if it still takes that does the new one go.`,
		Example: "  sudo agent secrets rotate cancel des3_key --config /etc/piaotong-agent/config.toml",
		Args:    rotatedName(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			names, err := keysUnderWay(cfg, args)
			if err != nil {
				return err
			}
			if err := tryKeys(cmd.Context(), cfg, names, false); err != nil {
				return fmt.Errorf("%s: %w", say("没有放弃:平台已不认现有的密钥,或无法核实", "not given up: the platform does not take the present key any more, or cannot be asked"), err)
			}
			next, err := nextFile(cfg, names[0])
			if err != nil {
				return err
			}
			if err := os.Remove(next); err != nil {
				return err
			}
			if names[0] == privateKeyName {
				if err := os.Remove(filepath.Join(filepath.Dir(next), nextPublicFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), say("已放弃,现有密钥仍然有效。请 agent restart", "given up; the present key stays valid. Now: agent restart"))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	return cmd
}

// keysUnderWay gives the names of the keys that are being changed: all, or the one
// that was asked for.
func keysUnderWay(cfg *config.Config, args []string) ([]string, error) {
	p := cfg.Piaotong
	changing := map[string]bool{privateKeyName: p.PrivateKeyNextFile != "", platformKeyName: p.PlatformPublicKeyNextFile != "", des3KeyName: p.DES3KeyNext != ""}
	var names []string
	for _, name := range rotated {
		if !changing[name] || len(args) > 0 && args[0] != name {
			continue
		}
		if _, err := nextFile(cfg, name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if names == nil {
		return nil, errors.New(say("没有正在更换的密钥:先 agent secrets rotate start", "no key is being changed: agent secrets rotate start begins"))
	}
	return names, nil
}

// tryKeys asks the platform something with the next of these keys alone, or with
// their present ones alone. Others that are being changed count either way.
func tryKeys(ctx context.Context, cfg *config.Config, names []string, next bool) error {
	keys, err := readKeys(cfg.Piaotong)
	if err != nil {
		return err
	}
	c := cfg.Piaotong
	for _, name := range names {
		switch name {
		case privateKeyName:
			if next {
				keys.own = keys.next.PrivateKey
			}
			keys.next.PrivateKey = nil
		case platformKeyName:
			if next {
				keys.peer = keys.next.PlatformKey
			}
			keys.next.PlatformKey = nil
		case des3KeyName:
			if next {
				c.DES3Key = c.DES3KeyNext
			}
			keys.next.DES3Key = ""
		}
	}
	client, err := clientOf(c, keys, &worker.Clock{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.QueryQR(ctx, piaotong.QRRef{TaxpayerNum: c.TaxpayerNum, QRCodeNo: noSuchQR, Amount: "0.01"})
	// Whatever it says of a number that does not exist, it has understood us: its
	// refusals of keys and contents come before.
	if err == nil || piaotong.KindOf(err) == piaotong.NotFound {
		return nil
	}
	return err
}

// takeNext puts the next key in the place of the present one.
func takeNext(out io.Writer, cfg *config.Config, name string) error {
	next, err := nextFile(cfg, name)
	if err != nil {
		return err
	}
	present := strings.TrimSuffix(next, config.NextSuffix)
	if was, err := os.Stat(present); err == nil {
		if err := keepOwner(next, was); err != nil {
			return err
		}
	}
	if err := os.Rename(next, present); err != nil {
		return err
	}
	fmt.Fprintf(out, "✓ %s: %s\n", name, present)
	if name != privateKeyName {
		return nil
	}
	// The public key that was sent is the one in use from now on.
	dir := filepath.Dir(present)
	err = os.Rename(filepath.Join(dir, nextPublicFile), filepath.Join(dir, publicFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
