package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tillagent/printer"
)

// shells are those that completion is made for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "命令行补全脚本  The shell's completion of commands, flags and their values",
		Long: `输出命令行补全脚本,补全命令、选项和选项的值(型号、端口、格式等)。
  bash        agent completion bash | sudo tee /etc/bash_completion.d/agent
  zsh         agent completion zsh | sudo tee /usr/share/zsh/site-functions/_agent
  PowerShell  agent completion powershell | Out-String | Invoke-Expression(写进 $PROFILE 则每次生效)

Prints the script with which a shell completes commands, flags and their values: models, ports, formats and the like. Where it goes
is above; in PowerShell, put the line into $PROFILE.`,
		Example:   "  agent completion bash\n  agent completion zsh --name piaotong-agent",
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%w: %s\n%s", errUsage, strings.Join(shells, ", "), cmd.UsageString())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			root.Use = name // what the shell completes for
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return fmt.Errorf("%w: %q: %s\n%s", errUsage, args[0], strings.Join(shells, ", "), cmd.UsageString())
		},
	}
	cmd.Flags().StringVar(&name, "name", programName(), "补全对应的命令名  the name under which the program is called")
	return cmd
}

// flagValues gives what a flag may be set to, by its name; the same name means
// the same in every command, but for init's --printer, which is a port.
var flagValues = map[string]func(*cobra.Command) []string{
	"lang":    words("zh-CN", "en"),
	"format":  words("csv", "jsonl"),
	"what":    words(exportNames...),
	"role":    words("pos", "console", "read"),
	"bits":    words(fmt.Sprint(documentedBits), fmt.Sprint(longerBits)),
	"flow":    words("xonxoff"),
	"profile": func(*cobra.Command) []string { return modelNames() },
	"printer": func(cmd *cobra.Command) []string { return portNames(cmd) },
}

func words(all ...string) func(*cobra.Command) []string {
	return func(*cobra.Command) []string { return all }
}

func modelNames() []string {
	var names []string
	for _, p := range printer.Profiles() {
		names = append(names, p.Name+"\t"+p.Title)
	}
	return names
}

// portNames are the ports that are there; whether a printer answers is not asked
// while somebody types.
func portNames(cmd *cobra.Command) []string {
	ports, err := findPorts(cmd.Context(), false)
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range ports {
		names = append(names, p.Port)
	}
	return names
}

// prepare gives every command what all of them have: help in both languages,
// completion of the values of flags.
func prepare(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if help := cmd.Flags().Lookup("help"); help != nil {
		help.Usage = "帮助  help"
	}
	for name, values := range flagValues {
		if cmd.LocalFlags().Lookup(name) == nil || name == "printer" && cmd.Name() != "init" || cmd.HasParent() && cmd.InheritedFlags().Lookup(name) != nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return values(cmd), cobra.ShellCompDirectiveNoFileComp
		}) // the flag is there, and this is its first
	}
	if cmd.Flags().Lookup("config") != nil {
		_ = cmd.MarkFlagFilename("config", "toml") // the flag is there
	}
	cmd.Long, cmd.Example = asCalled(cmd.Long), asCalled(cmd.Example)
	for _, c := range cmd.Commands() {
		prepare(c)
	}
}

// onTerminal reports whether somebody looks at what is written there.
func onTerminal(v any) bool {
	f, ok := v.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
