package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// This file has the hidden commands that packages and installers call around a
// change of the program: `agent upgrade save` before it and `agent upgrade
// settle` after it. `agent update` uses both.

// An upgradePhase is how far a change of the program has come. It is written
// before what follows from it is done, so that settle goes on where it was
// broken off.
type upgradePhase string

const (
	phaseSaved     upgradePhase = "saved"      // the new program may be tried
	phaseReady     upgradePhase = "ready"      // it serves; what was saved is removed
	phaseGoingBack upgradePhase = "going_back" // it does not; what was saved is put back
	phaseWentBack  upgradePhase = "went_back"  // the old program is in its place
)

// What save puts into its folder.
const (
	savedNotes    = "upgrade.json"
	savedProgram  = "program"
	savedDatabase = "agent.db"
)

// savedState is what save notes about what it saved.
type savedState struct {
	SavedAt   time.Time     `json:"saved_at"`
	Phase     upgradePhase  `json:"phase"`
	Config    string        `json:"config"`     // "" where there was none: there is no service to start
	DataDir   string        `json:"data_dir"`   // of the configuration
	URL       string        `json:"url"`        // of the local API
	TokenFile string        `json:"token_file"` // for it
	CertFile  string        `json:"cert_file"`  // that it shows; "" where it speaks plain http
	Program   string        `json:"program"`    // where the program is
	Version   string        `json:"version"`    // of the program; "" where it did not tell
	SHA256    string        `json:"sha256"`     // of the program, in hex; "" where there was none
	Database  *databaseHead `json:"database"`   // null where there was none
	Reason    string        `json:"reason"`     // why it goes back
	// NewerSales are the sales that only the new program's database has: it is
	// kept beside the one that was put back. -1 where that could not be read.
	NewerSales int64 `json:"newer_sales"`
}

// readNotes reads what save noted; nil where there is nothing.
func readNotes(dir string) (*savedState, error) {
	text, err := os.ReadFile(filepath.Join(dir, savedNotes))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := &savedState{}
	if err := json.Unmarshal(text, n); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, savedNotes), err)
	}
	return n, nil
}

// write notes a state, as a whole or not at all.
func (n *savedState) write(dir string) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, savedNotes), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return syncDir(dir)
}

// service is the local API of the service that the notes are about.
func (n *savedState) service() localService { return localService{n.URL, n.TokenFile, n.CertFile} }

func upgradeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "upgrade",
		Short:   "供安装包调用:换程序前保存,换程序后确认或退回  For packages: save before the program is changed, settle after it",
		Example: "  agent upgrade save --config FILE --to DIR\n  agent upgrade settle --config FILE --from DIR",
		Hidden:  true,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(errUsage, cmd.Help())
		},
	}
	cmd.AddCommand(saveCommand(), settleCommand())
	return cmd
}

func saveCommand() *cobra.Command {
	var path, to, program string
	cmd := &cobra.Command{
		Use:   "save --config FILE --to DIR [--program PATH]",
		Short: "保存现在的程序和数据库(服务须已停止)  Saves the program and the database as they are; the service must be stopped",
		Long: `换程序之前:把程序和数据库的一致副本放进 DIR(0700,只有本人可读)。没有配置或没有数据库也可以。DIR 不要放在服务账号可写的目录里。

Before the program is changed: puts the program and a consistent copy of the database into DIR (0700). A missing configuration or
database is fine. DIR must not be in a folder that the service's account may write to.`,
		Example: "  agent upgrade save --config /etc/piaotong-agent/config.toml --to /var/lib/piaotong-agent-upgrade",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case path == "":
				return missing(cmd, "--config")
			case to == "":
				return missing(cmd, "--to")
			}
			n, err := saveState(cmd.Context(), path, to, program)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), n.savedText(to))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&to, "to", "", "保存到的文件夹  the folder to save to")
	cmd.Flags().StringVar(&program, "program", "", "要换的程序,默认是本程序  the program that is going to be changed; this one by default")
	return cmd
}

// savedText says what was saved.
func (n *savedState) savedText(dir string) string {
	text := say("没有程序可保存", "no program to save")
	if n.SHA256 != "" {
		text = fmt.Sprintf(say("已保存程序 %s", "saved the program %s"), n.Version)
	}
	switch {
	case n.Config == "":
		text += say(";没有配置文件", "; there is no configuration")
	case n.Database == nil:
		text += say(";没有数据库", "; there is no database")
	default:
		text += fmt.Sprintf(say(";已保存数据库(结构版本 %d)", "; saved the database (version %d of its tables)"), n.Database.Schema)
	}
	return text + say(":", ": ") + dir
}

// defaultWithin is how long a program may take until it serves.
const defaultWithin = 30 * time.Second

func settleCommand() *cobra.Command {
	var path, from, program string
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "settle --config FILE --from DIR [--program PATH] [--within 30s]",
		Short: "换程序之后:启动并确认就绪,否则退回  After the program was changed: starts it, and goes back if it does not become ready",
		Long: `换程序之后:启动服务并等它就绪。就绪:删除 DIR,退出码 0。没有就绪:停止服务,放回原来的程序;数据库结构变了的,放回保存的数据库
(新程序收过单的,它的数据库另存在旁边),启动原来的程序,退出码 1。中途断掉的,再运行一次即可。

After the program was changed: starts the service and waits until it is ready. Then DIR is removed, exit status 0. Otherwise the service is
stopped, the old program put back and, where the tables of the database were changed, the saved database (that of the new program is kept
beside it if it took sales); the old program is started, exit status 1. If it is broken off, run it again.`,
		Example: "  agent upgrade settle --config /etc/piaotong-agent/config.toml --from /var/lib/piaotong-agent-upgrade",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case path == "":
				return missing(cmd, "--config")
			case from == "":
				return missing(cmd, "--from")
			case within <= 0:
				return fmt.Errorf("%w: --within", errUsage)
			}
			s, err := newSettler(cmd.Context(), path, from, program)
			if err != nil {
				return err
			}
			s.within, s.out = within, cmd.OutOrStdout()
			return s.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&from, "from", "", "save 保存到的文件夹  the folder that save filled")
	cmd.Flags().StringVar(&program, "program", "", "换了的程序,默认是 save 时的那一个  the program that was changed; the one of save by default")
	cmd.Flags().DurationVar(&within, "within", defaultWithin, "多久之内要就绪  how long the program may take until it serves")
	return cmd
}
