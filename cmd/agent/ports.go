package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tillagent/printer"
)

// foundPort is a port with what answered at it.
type foundPort struct {
	printer.PortInfo
	Answers bool   `json:"answers"`         // a printer answered
	Baud    int    `json:"baud,omitempty"`  // at which it did; of serial ports
	State   string `json:"state,omitempty"` // of the printer
	Printer string `json:"printer,omitempty"`
	Confirm string `json:"confirm,omitempty"` // how it tells that it has printed
	Error   string `json:"error,omitempty"`   // why the port cannot be asked
}

// probeTime is how long one port is asked.
const probeTime = 8 * time.Second

// probeBauds are tried at a serial port, in this order. More would take long and
// leave more bytes in a printer that is set to another speed.
var probeBauds = []int{9600, 115200, 19200, 38400}

// findPorts lists the ports and asks each whether a printer is there.
func findPorts(ctx context.Context, probe bool) ([]foundPort, error) {
	listed, err := printer.List(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]foundPort, len(listed))
	var asked sync.WaitGroup
	for i, p := range listed {
		found[i] = foundPort{PortInfo: p}
		if probe {
			asked.Go(func() { found[i].ask(ctx) })
		}
	}
	asked.Wait()
	return found, nil
}

// ask asks at each speed until a printer answers.
func (f *foundPort) ask(ctx context.Context) {
	bauds := probeBauds
	if f.Kind != printer.PortSerial {
		bauds = []int{0}
	}
	for _, baud := range bauds {
		if f.askAt(ctx, baud); f.Answers || f.Error != "" {
			return
		}
	}
}

func (f *foundPort) askAt(ctx context.Context, baud int) {
	profile, _ := printer.ProfileByName("generic-80") // it is built in
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r, err := printer.Probe(ctx, printer.Options{Port: f.Port, Baud: baud, Profile: profile})
	if err != nil {
		f.Error = err.Error()
		return
	}
	// A print queue has a state and no proof: the system answers for the printer.
	f.Answers = r.Proof.Tier() > printer.TierNone || f.Kind == printer.PortQueue
	if f.Answers {
		f.Baud, f.State, f.Printer = baud, string(r.Status.State), r.Proof.Identity.String()
		if f.Kind != printer.PortQueue {
			f.Confirm = r.Proof.Tier().String()
		}
	}
}

func writePorts(w io.Writer, ports []foundPort) error {
	if len(ports) == 0 {
		_, err := fmt.Fprintln(w, say("没有找到串口、USB 打印机或打印队列。网络打印机写 tcp://地址:9100。",
			"no serial port, USB printer or print queue was found; a network printer is tcp://HOST:9100"))
		return err
	}
	for _, p := range ports {
		line := p.Port
		if p.Name != "" {
			line += "  " + p.Name
		}
		if p.VID != "" {
			line += "  USB " + strings.Trim(p.VID+":"+p.PID+" "+p.Serial, " ")
		}
		switch {
		case p.Answers:
			line = "✓ " + line + say("  打印机应答", "  a printer answers")
			if p.Baud > 0 {
				line += fmt.Sprintf(" %d baud", p.Baud)
			}
			line += strings.TrimRight(" "+p.State+" "+p.Printer, " ")
		case p.Error != "":
			line = "✗ " + line + "  " + p.Error
		default:
			line = "  " + line
		}
		if p.ByID != "" {
			line += "\n    " + p.ByID
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func portsCommand() *cobra.Command {
	var asJSON, noProbe bool
	cmd := &cobra.Command{
		Use:   "ports",
		Short: "列出串口、USB 打印机和打印队列,以及应答的打印机  Ports with USB names and ids, and printers that answer",
		Long: `列出本机的串口、USB 打印机(Linux)和打印队列(Windows),并询问每个端口是否有打印机应答。
询问不打印,也不清除任何东西;但端口上若接着别的设备(电子秤等),请用 --no-probe。

Lists serial ports, USB printers (Linux) and print queues (Windows), and asks each whether a printer answers. Asking prints and
clears nothing; where other devices are plugged in, such as scales, use --no-probe.`,
		Example: "  agent ports\n  agent ports --no-probe --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ports, err := findPorts(cmd.Context(), !noProbe)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(ports)
			}
			return writePorts(cmd.OutOrStdout(), ports)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	cmd.Flags().BoolVar(&noProbe, "no-probe", false, "只列出,不询问  list only, ask nothing")
	return cmd
}
