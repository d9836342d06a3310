package printer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

const rawPrintPort = "9100" // what network printers listen on

// opener gives what opens o.Port: a dialer, or a print queue, which is no
// connection.
func (o Options) opener() (dial func(context.Context) (Conn, error), queue spooler, err error) {
	if o.Dial != nil {
		return o.Dial, nil, nil
	}
	if host, ok := strings.CutPrefix(o.Port, "tcp://"); ok {
		if host == "" {
			return nil, nil, errors.New("port tcp:// names no host")
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), rawPrintPort)
		}
		return func(ctx context.Context) (Conn, error) { return dialTCP(ctx, host) }, nil, nil
	}
	if name, ok := strings.CutPrefix(o.Port, "windows:"); ok {
		if strings.TrimSpace(name) == "" {
			return nil, nil, errors.New("port windows: names no print queue")
		}
		queue, err := openSpooler(name)
		return nil, queue, err
	}
	switch {
	case o.Port == "":
		return nil, nil, errors.New("no port is named")
	case strings.Contains(o.Port, "://"):
		return nil, nil, fmt.Errorf("port %q is no serial port, tcp://HOST:9100, usb:/dev/usb/lp0 or windows:QUEUE", o.Port)
	}
	if path, ok := strings.CutPrefix(o.Port, "usb:"); ok {
		found := newFinder(o.system, path)
		return func(context.Context) (Conn, error) { return found.open(openUSB) }, nil, nil
	}
	line, err := o.serialLine()
	if err != nil {
		return nil, nil, err
	}
	found := newFinder(o.system, o.Port)
	return func(context.Context) (Conn, error) {
		return found.open(func(name string) (Conn, error) { return openSerial(line.at(name)) })
	}, nil, nil
}

// tcpPort is a network printer. Its system and ours hold back what it has no room
// for.
type tcpPort struct{ *net.TCPConn }

// A printer that is gone without a word is noticed by this, where it is not asked.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func dialTCP(ctx context.Context, address string) (Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return tcpPort{conn.(*net.TCPConn)}, nil
}

// abort makes Close reset the connection: otherwise the system would go on
// delivering a job that has been given up.
func (p tcpPort) abort() { _ = p.SetLinger(0) }
