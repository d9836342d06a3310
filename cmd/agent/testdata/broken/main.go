// Command broken is a new version of the agent that does not work: the tests of
// updates install it and see that the old version serves again.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"tillagent/cmd/agent/config"
)

// mode is set by the build: how it fails.
var mode = "ends"

func main() {
	if len(os.Args) < 2 || os.Args[1] != "run" {
		os.Exit(2)
	}
	switch mode {
	case "hangs":
		time.Sleep(time.Hour)
	case "migrates", "sells":
		if err := migrate(os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(1) // with what it wrote in the database's log still
}

// migrate changes the tables as a newer version would; where it sells, it takes
// a sale, too.
func migrate(configFile string) error {
	c, err := config.Load(configFile, nil)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.DataDir, "agent.db")+"?mode=rw")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	statements := []string{"PRAGMA wal_autocheckpoint(0)", "CREATE TABLE IF NOT EXISTS later (id INTEGER) STRICT", "PRAGMA user_version(1000)"}
	if mode == "sells" {
		statements = append(statements,
			"CREATE TEMP TABLE one AS SELECT * FROM main.sales ORDER BY seq DESC LIMIT 1",
			"UPDATE one SET seq = seq + 1, sale_id = 'newer-' || seq",
			"INSERT INTO main.sales SELECT * FROM one",
			"CREATE TEMP TABLE entry AS SELECT * FROM main.journal ORDER BY seq DESC LIMIT 1",
			"UPDATE entry SET seq = seq + 1, hash = 'newer-' || seq",
			"INSERT INTO main.journal SELECT * FROM entry")
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
