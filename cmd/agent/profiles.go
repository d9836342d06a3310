package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tillagent/printer"
)

// profileRow is a model as `agent profiles --json` gives it.
type profileRow struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Dots     int      `json:"dots"`
	Columns  int      `json:"columns"`
	Baud     []int    `json:"baud"`
	NativeQR bool     `json:"native_qr"`
	Cutter   bool     `json:"cutter"`
	Status   []string `json:"status"`
	Own      bool     `json:"own"` // from --file
}

func profilesCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "profiles [--file FILE.toml]",
		Short:   "打印机型号,用于 printer.profile  The models of printers, for printer.profile",
		Example: "  agent profiles\n  agent profiles --file models.toml --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			builtin := printer.Profiles()
			all := builtin
			if file != "" {
				own, err := printer.LoadProfiles(file)
				if err != nil {
					return err
				}
				all = append(all, own...)
			}
			rows := make([]profileRow, len(all))
			for i, p := range all {
				rows[i] = profileRow{p.Name, p.Title, p.Dots, p.Columns, append([]int{}, p.Baud...), p.NativeQR, p.Cutter, append([]string{}, p.Status...), i >= len(builtin)}
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(rows)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, say("型号\t点\t列\t波特率\t自绘二维码\t说明", "name\tdots\tcolumns\tbaud\tnative QR\tabout"))
			for _, r := range rows {
				native := say("否", "no")
				if r.NativeQR {
					native = say("是", "yes")
				}
				bauds := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(r.Baud)), " "), "[]")
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\n", r.Name, r.Dots, r.Columns, bauds, native, r.Title)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "自定义型号文件  a file of one's own models")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}
