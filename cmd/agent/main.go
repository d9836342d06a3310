// Command agent is the till agent: the service beside a cash register that
// takes sales on localhost, keeps them, fetches their invoicing QR codes and
// prints their receipts. It also holds the stand-ins to try it with: a sandbox
// of the platform and a paper printer.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// errUsage is a wrong use of the command line: exit status 2.
var errUsage = errors.New("usage")

// run carries one command out and gives the exit status: 0 done, 1 failed, 2
// wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := commands(stdout, stderr)
	root.SetArgs(args)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		if text, found := strings.CutPrefix(err.Error(), errUsage.Error()+": "); found {
			fmt.Fprintln(stderr, say("用法不对:", "wrong usage: ")+text)
		}
		return 2
	default:
		fmt.Fprintln(stderr, message(err))
		return 1
	}
}

// knownCommand refuses what is no command as wrong usage, with the ones that may
// have been meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s: %q", say("没有这个命令", "there is no such command"), args[0])
	cmd.SuggestionsMinimumDistance = 2
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		text += say(";是不是 ", "; did you mean ") + strings.Join(meant, ", ") + "?"
	}
	return fmt.Errorf("%w: %s\n%s", errUsage, text, cmd.UsageString())
}

// helpOn shows the help of the command that the arguments name.
func helpOn(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return knownCommand(about, rest)
	}
	return about.Help()
}

// useInstalled has a command that needs a configuration, and is given none, work
// with that of the installed agent, at path. run is always told its own: it makes
// what is missing.
func useInstalled(cmd *cobra.Command, path string) error {
	flag, db := cmd.Flags().Lookup("config"), cmd.Flags().Lookup("db")
	if flag == nil || flag.Changed || flag.DefValue != "" || cmd.Name() == "run" || db != nil && db.Changed {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return cmd.Flags().Set("config", path)
}

// commands makes the program's commands.
func commands(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "agent",
		Example:       "  agent demo\n  agent doctor --config /etc/piaotong-agent/config.toml",
		Short:         "收银开票代理  The till agent: sales in, receipts with invoicing QR codes out",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s\n\n%s", cmd.Short, cmd.UsageString())
			return errUsage
		},
	}
	root.PersistentFlags().StringVar(&lang, "lang", systemLang(), "zh-CN 或 en  language of messages")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: %v\n%s", errUsage, err, cmd.UsageString())
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if !strings.HasPrefix(lang, "zh") && !strings.HasPrefix(lang, "en") {
			return fmt.Errorf("%w: --lang: zh-CN, en", errUsage)
		}
		return useInstalled(cmd, defaultConfigFile())
	}
	root.InitDefaultHelpFlag() // or cobra takes what follows --help for its value
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(demoCommand(), runCommand(), sandboxCommand(), paperCommand(), backupCommand(), restoreCommand(), verifyCommand(), versionCommand(),
		tokenCommand(), consoleCommand(), initCommand(), doctorCommand(), supportCommand(), exportCommand(),
		keygenCommand(), portsCommand(), profilesCommand(), printTestCommand())
	root.AddCommand(upgradeCommand(), updateCommand())
	root.AddCommand(secretsCommand())
	root.AddCommand(serviceCommands()...)
	root.AddCommand(systemCommands()...)
	root.AddCommand(logsCommand(), completionCommand())
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Short, c.Long, c.Example = "命令的帮助  Help about any command", "", "  agent help doctor"
			c.Run, c.RunE = nil, helpOn
		}
	}
	if programName() == serviceName {
		root.Use = serviceName
	}
	prepare(root)
	return root
}
