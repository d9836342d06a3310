package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
	"tillagent/trade"
	"tillagent/worker"
)

// This file has the commands that look after the database: backup, restore and
// verify, and the words for what can be wrong with it.

// databasePath is where a configuration keeps its sales.
func databasePath(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "agent.db") }

// upkeepOf is how a configuration wants its database looked after. Only the
// platform's clock shows that this machine's is right: a till that never calls
// the platform keeps everything.
func upkeepOf(cfg *config.Config, clock *worker.Clock) queue.UpkeepOptions {
	return queue.UpkeepOptions{BackupDir: cfg.Backup.Dir, Kept: cfg.Backup.Kept, ClockRight: clock.Agrees,
		Retention: queue.Retention{Buyers: cfg.Retention.BuyerData, Sales: cfg.Retention.Sales}}
}

// loadConfig reads the file that --config names.
func loadConfig(cmd *cobra.Command, path string) (*config.Config, error) {
	if path == "" {
		return nil, missing(cmd, "--config")
	}
	return config.Load(path, os.Environ())
}

// missing says that a flag must be given.
func missing(cmd *cobra.Command, flag string) error {
	return fmt.Errorf("%w: %s\n%s", errUsage, say("缺少 "+flag, flag+" is missing"), cmd.UsageString())
}

const configUsage = "配置文件;已安装的代理可不写  the configuration file (see config.example.toml); by default that of the installed agent"

func backupCommand() *cobra.Command {
	var path, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "backup --config FILE --to FILE.db",
		Short:   "备份数据库(可在代理运行时)  A consistent copy of the database, beside a running agent too",
		Example: "  agent backup --config /etc/piaotong-agent/config.toml --to /mnt/usb/till-1.db",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			if to == "" {
				return missing(cmd, "--to")
			}
			if err := haveDatabase(databasePath(cfg)); err != nil {
				return err
			}
			if err := spareOwn(cfg, path, to); err != nil {
				return err
			}
			if err := replaceable(cmd.Context(), to, databasePath(cfg)); err != nil {
				return err
			}
			if err := queue.BackupFile(cmd.Context(), databasePath(cfg), to); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"file": to})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", say("已备份并检查:", "backed up and checked:"), to)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&to, "to", "", "备份文件  the copy")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

// haveDatabase says so where there is no database yet.
func haveDatabase(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(say("没有数据库 %s:代理还没有运行过,或它已被移到一旁,或配置里的 data_dir 不对", "there is no database %s: the agent has not run yet, it was moved aside, or data_dir of the configuration is another"), path)
	}
	return nil
}

// spareOwn refuses to write over one of the agent's own files. path is the
// configuration's.
func spareOwn(cfg *config.Config, path, to string) error {
	there, err := os.Stat(to)
	if err != nil {
		return nil // nothing to write over; what else is wrong, writing tells
	}
	db := databasePath(cfg)
	for _, own := range append(ownFiles(cfg, path), db, db+"-wal", db+"-shm", ownTokenFile(cfg), voucherKey.path(cfg), buyerKey.path(cfg)) {
		if f, err := os.Stat(own); err == nil && os.SameFile(f, there) {
			return fmt.Errorf(say("%s 是代理自己的文件,不能覆盖;请换一个文件名", "%s is a file of the agent itself; give another name"), to)
		}
	}
	return nil
}

// replaceable refuses a place for a backup that is in no folder, and to write
// over anything but an empty file or an earlier copy of the same till.
func replaceable(ctx context.Context, to, database string) error {
	folder := filepath.Dir(to)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(say("文件夹 %s 不存在;请先建立,或插好 U 盘", "there is no folder %s; make it, or plug the disk in"), folder)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().IsRegular() && info.Size() == 0 || queue.IsCopy(ctx, to, database) {
		return nil // where it cannot be looked at, writing tells
	}
	return fmt.Errorf(say("%s 已存在,且不是本收银机的备份,不覆盖;请换一个文件名", "%s is there and is no copy of this till; give another name"), to)
}

func restoreCommand() *cobra.Command {
	var path, from string
	cmd := &cobra.Command{
		Use:   "restore --config FILE --from FILE.db",
		Short: "用备份恢复数据库(先停止代理)  Puts a backup in the place of the database; stop the agent first",
		Long: `用备份恢复数据库。现有数据库移到一旁,不会删除。备份之后的销售不在备份里;
之后发出的开票码、发票和小票不会重做:编号换用新的一段,未了结的先向平台查询,待打印的不自动打印。

Puts a backup in the place of the database, which is moved aside and kept. Sales made after the
backup are not in it. What was sent or printed since is not done again: numbers start a new epoch,
the platform is asked about what is not settled, and waiting receipts are not printed by themselves.`,
		Example: "  agent restore --config /etc/piaotong-agent/config.toml --from /mnt/usb/till-1.db",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			if from == "" {
				return missing(cmd, "--from")
			}
			if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf(say("没有这个备份文件:%s", "there is no such backup: %s"), from)
			}
			r, err := queue.Restore(cmd.Context(), databaseOptions(cfg), from)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, say("已恢复 %d 单;编号从第 %d 段开始(收银机 %s)。\n", "restored %d sales; numbers start epoch %d (till %s)\n"), r.Sales, r.Epoch, r.Till)
			fmt.Fprintf(out, say("先向平台查询的单:%d;可能已打印、请人工核对的小票:%d。\n",
				"sales that the platform is asked about first: %d; receipts that may be on paper already, for a person to check: %d\n"), r.Asked, r.Prints)
			if !r.Newest.IsZero() {
				fmt.Fprintf(out, say("备份中最后一单:%s。此后的单不在库中,请在票通平台核对;重新上传会再取一个开票码。\n",
					"the last sale in it is of %s; later ones are not in it: check them on the platform, posting them again makes another QR code\n"),
					r.Newest.In(trade.Beijing).Format(time.DateTime))
			}
			if r.MovedTo != "" {
				fmt.Fprintf(out, say("原数据库保留在 %s\n", "the database that was here is kept at %s\n"), r.MovedTo)
			}
			_, err = fmt.Fprintln(out, say("现在可以启动代理。", "the agent can be started now"))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&from, "from", "", "备份文件  the copy to restore")
	return cmd
}

func verifyCommand() *cobra.Command {
	var path, db string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "verify --config FILE | --db FILE.db",
		Short:   "检查流水与数据库(可在代理运行时)  Checks journal and database, beside a running agent too",
		Example: "  agent verify --config /etc/piaotong-agent/config.toml\n  agent verify --db /mnt/usb/till-1.db --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path != "" && db != "" {
				return fmt.Errorf("%w: %s\n%s", errUsage, say("--config 与 --db 只能给一个", "give --config or --db, not both"), cmd.UsageString())
			}
			if db == "" {
				cfg, err := loadConfig(cmd, path)
				if err != nil {
					return err
				}
				db = databasePath(cfg)
			}
			if err := haveDatabase(db); err != nil {
				return err
			}
			r, err := queue.Verify(cmd.Context(), db)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			} else {
				_, err = fmt.Fprint(cmd.OutOrStdout(), reportText(r))
			}
			if err == nil && !r.Whole() {
				err = errors.New(say("数据库有问题:请保留现场并联系技术支持;可用 agent restore 恢复备份",
					"the database is not whole: keep it as it is and call support; agent restore puts a backup in its place"))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&db, "db", "", "数据库或备份文件  a database or a backup")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

// databaseOptions are what Restore and NewDatabase need of the configuration.
func databaseOptions(cfg *config.Config) queue.Options {
	return queue.Options{Path: databasePath(cfg), Prefix: cfg.Piaotong.PlatformPrefix, TillCode: cfg.Piaotong.TillCode, BackupDir: cfg.Backup.Dir}
}

// checkWords names the checks of the database for people.
var checkWords = map[string]struct{ zh, en string }{
	queue.CheckOpen:      {"不是本程序的数据库", "not a database of this program"},
	queue.CheckIntegrity: {"数据页损坏", "damaged pages"},
	queue.CheckKeys:      {"记录缺少所属的单", "rows without their sale"},
	queue.CheckJournal:   {"流水哈希链不符", "the journal's hash chain is broken"},
	queue.CheckAccepted:  {"销售单与流水不符", "a sale that the journal does not have like this"},
	queue.CheckRefunded:  {"退货单与流水不符", "a refund that the journal does not have like this"},
	queue.CheckMissing:   {"流水中有、表中没有的销售单", "a sale that the journal has and the table has not"},
	queue.CheckRefunds:   {"退货超过原单", "refunds that exceed their sale"},
	queue.CheckNumbers:   {"编号重复", "a number in two places"},
}

// problemText is one problem in a line.
func problemText(p queue.Problem) string {
	w := checkWords[p.Check]
	text := say(w.zh, w.en)
	if p.Seq > 0 {
		text += fmt.Sprintf(say(":第 %d 条", ": entry %d"), p.Seq)
	}
	return text + ": " + p.What
}

func reportText(r *queue.Report) string {
	text := ""
	for _, p := range r.Problems {
		text += "✗ " + problemText(p) + "\n"
	}
	if text == "" {
		text = fmt.Sprintf(say("✓ 完好:%d 单,流水 %d 条,末条哈希 %s\n", "✓ whole: %d sales, %d journal entries, the last hash is %s\n"), r.Sales, r.Journal, r.Head)
	}
	return text
}

// adviceError is an error of the database with what to do about it.
type adviceError struct {
	err  error
	text string
}

func (e *adviceError) Error() string { return e.text }

func (e *adviceError) Unwrap() error { return e.err }

// advise tells what to do about a database that cannot be opened; other errors
// stay as they are.
func advise(err error, configFile string) error {
	var damaged *queue.DamagedError
	if !errors.As(err, &damaged) {
		return err
	}
	reason := damaged.Reason
	switch reason {
	case queue.ReasonMissing:
		reason = say("文件不见了", "the file is gone")
	case queue.ReasonEmpty:
		reason = say("文件是空的", "the file is empty")
	case queue.ReasonRestore:
		reason = say("上次恢复没有完成", "a restore was broken off")
	}
	text := fmt.Sprintf(say("数据库不能使用:%s\n原因:%s\n", "the database cannot be used: %s\nreason: %s\n"), damaged.Path, reason)
	if damaged.MovedTo != "" {
		text += fmt.Sprintf(say("已移到(请保留):%s\n", "moved to (keep it): %s\n"), damaged.MovedTo)
	}
	from := say("备份文件.db", "BACKUP.db")
	if damaged.Backup != "" {
		from = damaged.Backup
		text += fmt.Sprintf(say("最新的备份:%s(%s)\n", "the newest backup: %s (%s)\n"), damaged.Backup, damaged.BackupAt.In(trade.Beijing).Format(time.DateTime))
	}
	text += fmt.Sprintf(say("恢复备份:agent restore --config \"%[1]s\" --from \"%[2]s\"\n没有备份时另起新库(旧单查不到):agent run --config \"%[1]s\" --new-database",
		"restore the backup: agent restore --config \"%[1]s\" --from \"%[2]s\"\nwithout a backup, start with an empty database (old sales are not in it): agent run --config \"%[1]s\" --new-database"),
		configFile, from)
	return &adviceError{err, text}
}

// databaseMessage is an error of the database in the language of messages; ""
// for other errors.
func databaseMessage(err error) string {
	var unfit *queue.UnfitError
	var over *queue.EpochsUsedUpError
	switch {
	case errors.Is(err, queue.ErrInUse):
		return say("已有一个代理在使用该数据目录,请先停止它:", "another agent may be running on this data folder; stop it first: ") + err.Error()
	case errors.As(err, &unfit):
		return fmt.Sprintf(say("不能恢复 %s:%s", "cannot restore %s: %s"), unfit.Path, problemText(unfit.Why[0]))
	case errors.As(err, &over):
		return fmt.Sprintf(say("收银机 %s 的编号段已用完:请在 [piaotong] 配置一个商户内未用过的 till_code 后重试",
			"the numbers of till %s are used up: give it another [piaotong] till_code that no till of the merchant has, then try again"), over.Till)
	}
	return ""
}
