package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
)

// This file has `agent uninstall`. The tokens go with the service, so that no copy
// of them works when it is installed again; all other data stays.

func uninstallCommand() *cobra.Command {
	var path string
	var unknown error // why the configuration is not known
	return steerCommand("uninstall", "停止并删除系统服务和令牌(其余数据保留)  Stops and removes the service and its tokens; all other data stays",
		func(s service.Service) error {
			path, unknown = servedConfig() // while it is there
			if err := stop(s); err != nil {
				return err // Windows would keep it until it ends
			}
			return s.Uninstall()
		},
		func(cmd *cobra.Command) error {
			out := cmd.OutOrStdout()
			if _, err := fmt.Fprintln(out, say("已删除服务。数据和配置保留。", "the service is removed; data and configuration are kept")); err != nil {
				return err
			}
			if unknown != nil {
				return tokensStay(unknown)
			}
			return dropTokens(cmd.Context(), path, out)
		})
}

// dropTokens removes the tokens of the data folder that a configuration names, and
// says so where there were any.
func dropTokens(ctx context.Context, path string, out io.Writer) error {
	dir, err := config.DataDir(path, os.Environ())
	if err != nil {
		return tokensStay(err)
	}
	removed, err := removeTokens(ctx, dir)
	if err != nil {
		return tokensStay(err)
	}
	if removed {
		_, err = fmt.Fprintf(out, say("已删除 %s 里的 API 令牌:重新安装后,请把新令牌填入收银软件\n", "the API tokens in %s are removed: after installing again the POS needs the new one\n"), dir)
	}
	return err
}

// tokensStay says that tokens were not removed, and why.
func tokensStay(why error) error {
	return fmt.Errorf(say("令牌没有删除:请自己删除数据目录里的 %s 和 %s\n%s", "the tokens were not removed: delete %s and %s in the data folder yourself\n%s"), ownToken, tokensFile, message(why))
}
