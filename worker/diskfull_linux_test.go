package worker_test

import (
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tillagent/piaotong"
)

// filling does something before the first QR code is made.
type filling struct {
	http.Handler
	before func()
}

func (f filling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/getInvoiceIssueQrcode.pt") {
		f.before()
	}
	f.Handler.ServeHTTP(w, r)
}

// TestDiskFullAtAnAnswer has the platform's answer find a database that cannot
// be written: it is stored once there is room, without a restart.
func TestDiskFullAtAnAnswer(t *testing.T) {
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limit := func(to unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &to); err != nil {
			t.Error(err)
		}
	}
	defer limit(was)
	race(t, func(t *testing.T, l *lab) {
		opts, err := l.sandbox.Account().ClientOptions("http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		full := sync.OnceFunc(func() { limit(unix.Rlimit{Cur: 0, Max: was.Max}) }) // no file can be written
		opts.Transport = handlerTransport{filling{l.sandbox, full}}
		l.stop()
		if l.platform, err = piaotong.New(opts); err != nil {
			t.Fatal(err)
		}
		l.restart()
		l.sell("S1")
		time.Sleep(10 * time.Minute) // in the bubble
		limit(was)
		l.url("S1")
		if n := l.ledger().Calls["2.16"]; n != 1 {
			t.Errorf("%d calls of 2.16, want 1", n)
		}
	})
}
