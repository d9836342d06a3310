//go:build unix

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// systemCommands are the commands of this system alone: here packages do most of
// what Windows' installers call us for with scripts, which cannot read a
// configuration.
func systemCommands() []*cobra.Command {
	cmd := &cobra.Command{
		Use:    "setup",
		Short:  "供软件包调用  For packages",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(errUsage, cmd.Help())
		},
	}
	var path string
	remove := &cobra.Command{
		Use:     "remove --config FILE",
		Short:   "删除令牌(服务须已停止);其余数据保留  Removes the tokens; the service must be stopped. All other data stays",
		Example: "  piaotong-agent setup remove --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return missing(cmd, "--config")
			}
			return dropTokens(cmd.Context(), path, cmd.OutOrStdout())
		},
	}
	remove.Flags().StringVar(&path, "config", "", configUsage)
	cmd.AddCommand(remove)
	return []*cobra.Command{cmd}
}
