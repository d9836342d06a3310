package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
)

// setup is what `agent init` works with.
type setup struct {
	path string
	yes  bool // ask nothing
	bits int
	// printTest, install: do it without asking
	printTest, install bool
	platformKey        string // a file with the platform's public key
	flags              map[string]*string
	in                 *bufio.Reader
	out                io.Writer

	was     *config.Config // the configuration that is there; nil without one
	again   bool           // there is one
	text    string         // its text
	changes []keyValue
}

// A question is one value that init asks for. Its key is the configuration's.
type question struct {
	section, key string
	flag         string
	zh, en       string
	now          func(*config.Config) string // the value that the configuration has
}

var questions = []question{
	{"", "data_dir", "data-dir", "数据目录", "Data folder", func(c *config.Config) string { return c.DataDir }},
	{"piaotong", "platform_code", "platform-code", "平台编码(8 位;还没有就留空)", "Platform code, 8 characters (leave empty if you have none yet)",
		func(c *config.Config) string { return c.Piaotong.PlatformCode }},
	{"piaotong", "platform_prefix", "platform-prefix", "平台简称(4 位)", "Platform prefix, 4 characters", func(c *config.Config) string { return c.Piaotong.PlatformPrefix }},
	{"piaotong", "taxpayer_num", "taxpayer-num", "纳税人识别号", "Taxpayer number", func(c *config.Config) string { return c.Piaotong.TaxpayerNum }},
	{"piaotong", "enterprise_name", "enterprise-name", "企业名称(与登记一致)", "Enterprise name, as registered", func(c *config.Config) string { return c.Piaotong.EnterpriseName }},
	{"piaotong", "drawer_name", "drawer-name", "开票人", "Who issues (drawer)", func(c *config.Config) string { return c.Piaotong.DrawerName }},
	{"piaotong", "base_url", "base-url", "平台地址", "Address of the platform", func(c *config.Config) string { return c.Piaotong.BaseURL }},
	{"printer", "port", "printer", "打印机端口(COM3、/dev/ttyUSB0、tcp://地址:9100;没有就留空)", "Printer's port (COM3, /dev/ttyUSB0, tcp://HOST:9100; empty for none)",
		func(c *config.Config) string { return c.Printer.Port }},
}

func initCommand() *cobra.Command {
	s := &setup{flags: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "init [--config FILE] [--yes]",
		Short: "初始化:问几个问题,生成密钥和配置  Asks the few questions, makes keys and the configuration",
		Long: `问几个问题,生成 RSA 密钥对(公钥发给票通),找到打印机,写好配置文件(0600),可打印测试页、安装服务,最后体检。
可以再次运行:已有的密钥和值保留。--yes 不提问:值取自选项、环境变量(AGENT_PIAOTONG_PLATFORM_CODE 等)、已有配置;
已有配置没写打印机端口的,不去寻找。
3DES 密钥不走命令行:在提问时输入,或用环境变量 AGENT_PIAOTONG_DES3_KEY。

Asks a few questions, makes the RSA key pair (whose public key goes to Piaotong), finds the printer, writes the configuration (0600),
prints a test page and installs the service if wanted, and ends with doctor. It can be run again: keys and values that are there
stay. --yes asks nothing: values are from the flags, the environment (such as AGENT_PIAOTONG_PLATFORM_CODE) and the configuration that is
there; where that has no printer, none is looked for. The 3DES key is no flag: it is asked for, or in AGENT_PIAOTONG_DES3_KEY.`,
		Example: "  sudo agent init\n  sudo agent init --yes --platform-code TESTCODE --platform-prefix TEST --printer /dev/ttyUSB0 --install",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.in, s.out = bufio.NewReader(cmd.InOrStdin()), cmd.OutOrStdout()
			if s.bits != documentedBits && s.bits != longerBits {
				return fmt.Errorf("%w: --bits: %d, %d", errUsage, documentedBits, longerBits)
			}
			return s.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.path, "config", defaultConfigFile(), configUsage)
	f.BoolVar(&s.yes, "yes", false, "不提问  ask nothing")
	f.IntVar(&s.bits, "bits", documentedBits, "1024(票通文档)或 2048  bits of the key pair")
	f.StringVar(&s.platformKey, "platform-key", "", "票通给的平台公钥文件  file with the platform's public key")
	f.BoolVar(&s.printTest, "print-test", false, "打印测试页  print a test page")
	f.BoolVar(&s.install, "install", false, "安装并启动系统服务;已安装的使新配置生效  install the service and start it; one that is there takes the new configuration")
	for _, q := range questions {
		s.flags[q.flag] = f.String(q.flag, "", q.zh+"  "+q.en)
	}
	return cmd
}

func defaultConfigFile() string {
	if runtime.GOOS != "windows" {
		return "/etc/piaotong-agent/config.toml"
	}
	return filepath.Join(config.Default().DataDir, "config.toml")
}

func (s *setup) run(cmd *cobra.Command) (err error) {
	if s.path, err = filepath.Abs(s.path); err != nil {
		return err
	}
	if err := s.read(); err != nil {
		return err
	}
	for _, q := range questions {
		if q.flag == "printer" {
			err = s.choosePort(cmd, q)
		} else {
			err = s.settle(cmd.Context(), q, q.now(s.was), cmd.Flags().Changed(q.flag))
		}
		if err != nil {
			return err
		}
	}
	if err := s.des3(cmd.Context()); err != nil {
		return err
	}
	if err := s.write(); err != nil {
		return err
	}
	if err := s.makeKeys(cmd.Context()); err != nil {
		return err
	}
	return s.finish(cmd)
}

// read reads the configuration that is there. Its own words hold, not those of
// the environment: those are answers.
func (s *setup) read() error {
	data, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		data = []byte(say("# 票通收银开票代理的配置;所有的键见 config.example.toml\n", "# Configuration of the till agent; config.example.toml has every key\n"))
	}
	s.again = err == nil
	s.text = string(data)
	s.was, err = config.Parse(s.path, data, nil)
	return err
}

// settle takes the value of a question: from its flag, from the environment, by
// asking with what is there as the proposal.
func (s *setup) settle(ctx context.Context, q question, now string, given bool) error {
	k := keyValue{section: q.section, key: q.key, value: now}
	env := os.Getenv(envName(k))
	switch {
	case given:
		k.value = *s.flags[q.flag]
	case env != "":
		k.value = env
	case !s.yes && s.skips(q):
		return nil
	case !s.yes:
		answer, err := s.ask(ctx, say(q.zh, q.en), now, func(text string) string { return check(k, text) })
		if err != nil {
			return err
		}
		k.value = answer
	}
	if problem := check(k, k.value); problem != "" {
		return fmt.Errorf("%s: %s", k.name(), problem)
	}
	if k.value != q.now(s.was) {
		s.changes = append(s.changes, k)
	}
	return nil
}

// skips reports whether a question has no sense: without a platform code the
// platform is not set up yet.
func (s *setup) skips(q question) bool {
	return q.section == "piaotong" && q.key != "platform_code" && s.value("piaotong", "platform_code") == "" && s.was.Piaotong.PlatformCode == ""
}

// value is what was answered for a key; "" where nothing was changed.
func (s *setup) value(section, key string) string {
	for _, c := range s.changes {
		if c.section == section && c.key == key {
			return c.value
		}
	}
	return ""
}

func envName(k keyValue) string {
	return "AGENT_" + strings.ToUpper(strings.ReplaceAll(k.name(), ".", "_"))
}

// check says in the language of messages what is wrong with a value; "" for a
// good one.
func check(k keyValue, value string) string {
	if value == "" {
		return ""
	}
	_, err := config.Parse("init", nil, []string{envName(k) + "=" + value})
	var ps *config.Problems
	if errors.As(err, &ps) {
		for _, p := range *ps {
			if p.Key == k.name() {
				return say(p.Message, p.English)
			}
		}
	}
	return ""
}

// ask asks until the answer is good; an empty one takes the proposal.
func (s *setup) ask(ctx context.Context, text, proposal string, check func(string) string) (string, error) {
	for {
		if proposal != "" {
			fmt.Fprintf(s.out, "%s [%s]: ", text, proposal)
		} else {
			fmt.Fprintf(s.out, "%s: ", text)
		}
		line, err := typed(ctx, func() (string, error) { return s.in.ReadString('\n') })
		answer := strings.TrimSpace(line)
		if err != nil && answer == "" {
			fmt.Fprintln(s.out)
			if errors.Is(err, io.EOF) {
				err = errors.New(say("输入结束了;不想提问请用 --yes", "the input has ended; --yes asks nothing"))
			}
			return "", err
		}
		if answer == "" {
			answer = proposal
		}
		problem := check(answer)
		if problem == "" {
			return answer, nil
		}
		fmt.Fprintln(s.out, "✗ "+problem)
	}
}

// confirm asks for a yes.
func (s *setup) confirm(ctx context.Context, text string) bool {
	if s.yes {
		return false
	}
	answer, err := s.ask(ctx, text+say("(y/N)", " (y/N)"), "", func(string) string { return "" })
	return err == nil && strings.HasPrefix(strings.ToLower(answer), "y")
}

// choosePort proposes the port at which a printer answers. Where nothing is asked,
// a configuration that is there without one was left so, and stays.
func (s *setup) choosePort(cmd *cobra.Command, q question) error {
	now, given := s.was.Printer.Port, cmd.Flags().Changed(q.flag)
	baud := 0
	if now == "" && !given && os.Getenv("AGENT_PRINTER_PORT") == "" && !(s.yes && s.again) {
		fmt.Fprintln(s.out, say("正在寻找打印机……", "looking for the printer …"))
		ports, err := findPorts(cmd.Context(), true)
		if err != nil {
			fmt.Fprintln(s.out, "✗ "+err.Error())
		} else if err := writePorts(s.out, ports); err != nil {
			return err
		}
		for _, p := range ports {
			if p.Answers {
				if now, baud = p.Port, p.Baud; p.ByID != "" {
					now = p.ByID // it stays the same when plugs are changed
				}
				break
			}
		}
	}
	if err := s.settle(cmd.Context(), q, now, given); err != nil {
		return err
	}
	if baud > 0 && s.value("printer", "port") == now {
		s.changes = append(s.changes, keyValue{section: "printer", key: "baud", value: strconv.Itoa(baud), number: true})
	}
	return nil
}

// write puts the answers into the file, if that makes a good configuration.
func (s *setup) write() error {
	text := setKeys(s.text, s.changes)
	if _, err := config.Parse(s.path, []byte(text), nil); err != nil {
		return errors.New(say("没有写配置文件:", "the configuration is not written:") + "\n" + message(err))
	}
	if _, err := os.Stat(s.path); err == nil && len(s.changes) == 0 {
		fmt.Fprintln(s.out, say("配置没有变化:", "the configuration stays as it is: ")+s.path)
		return nil
	}
	if err := writeWhole(s.path, []byte(text), 0o600); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out, say("已写配置:", "the configuration is written: ")+s.path)
	return err
}

// finish prints the test page, has the service run with the configuration, and
// ends with doctor. What was asked for and did not come about is an error, after
// all else is done and told.
func (s *setup) finish(cmd *cobra.Command) error {
	cfg, err := config.Load(s.path, nil) // the service will not have our environment
	if err != nil {
		return err
	}
	var failed error
	if cfg.Printer.Port != "" && (s.printTest || s.confirm(cmd.Context(), say("打印测试页?", "Print a test page?"))) {
		if err := printTest(cmd.Context(), cfg, s.out); err != nil {
			fmt.Fprintln(s.out, "✗ "+err.Error())
			if s.printTest {
				failed = errors.New(say("测试页没有打出来", "the test page was not printed"))
			}
		}
	}
	if cmd.Context().Err() == nil {
		if err := s.serve(cmd.Context(), cfg); err != nil {
			fmt.Fprintln(s.out, "✗ "+err.Error())
			failed = errors.Join(failed, errors.New(say("服务没有就绪", "the service is not ready")))
		}
	}
	if cmd.Context().Err() != nil {
		return errors.Join(failed, errCancelled())
	}
	fmt.Fprintln(s.out)
	d := examine(cmd.Context(), s.path)
	if err := d.inShort().write(s.out); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	text := say("\n完成。再次体检:%s doctor --config %s\n", "\nDone. Check again: %s doctor --config %s\n")
	if !d.OK {
		text = say("\n配置已写好;带 ✗ 的还要处理,处理后再体检:%s doctor --config %s\n", "\nThe configuration is written; what has a ✗ is still to be done. Then check again: %s doctor --config %s\n")
	}
	_, err = fmt.Fprintf(s.out, text, programName(), inCommand(s.path))
	return err
}

// serve installs and starts the service where that is wanted; one that is
// installed takes the new configuration.
func (s *setup) serve(ctx context.Context, cfg *config.Config) error {
	state, err := systemService()
	if err != nil {
		return err
	}
	if state == stateNotInstalled {
		if !s.install && !(canServe() && s.confirm(ctx, say("安装为系统服务并启动?", "Install the service and start it?"))) {
			return nil
		}
		if err := install(cfg, s.path); err != nil {
			return err
		}
	} else {
		if !mayInstall() {
			return nil
		}
		if err := giveRights(cfg, s.path); err != nil { // to what was written now
			return err
		}
		if state == stateRunning && len(s.changes) == 0 {
			return nil
		}
		if !s.install && !s.confirm(ctx, say("重新启动服务,使新配置生效?", "Start the service again, so that it takes the new configuration?")) {
			fmt.Fprintf(s.out, say("使新配置生效:%s restart\n", "To have the service take the new configuration: %s restart\n"), programName())
			return nil
		}
	}
	if err := startAgain(ctx, cfg, state == stateNotInstalled); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, say("服务已就绪,并随系统启动。", "the service is ready, and starts with the system"))
	return err
}

// inShort puts the paths that are not configured, of which there are many before
// Piaotong's document is at hand, into one line.
func (d diagnosis) inShort() diagnosis {
	short := diagnosis{OK: d.OK, Service: d.Service}
	paths := 0
	for _, f := range d.Findings {
		if f.Check == checkPath {
			paths++
			continue
		}
		short.Findings = append(short.Findings, f)
	}
	if paths > 0 {
		short.Findings = append(short.Findings, finding{checkPath, verdictNote, fmt.Sprintf(say("%d 个接口还没有配置路径", "%d interfaces have no path yet"), paths),
			fmt.Sprintf(say("需要其功能时再配置;%s doctor 逐个列出", "they are needed for their own features only; %s doctor lists them"), programName())})
	}
	return short
}
