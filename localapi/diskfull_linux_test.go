package localapi

import (
	"os/signal"
	"syscall"
	"testing"

	"tillagent/trade"
)

// A disk that takes no more bytes is played by the limit on the size of files:
// every write beyond it fails, like on a full disk.
func TestDiskFull(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	full := syscall.Rlimit{Cur: 512, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	answers := []answer{
		x.post("/v1/sales", saleBody("S2")), x.post("/v1/sales/S1/refunds", `{"refund_id":"R1"}`), x.post("/v1/sales/S1/print", `{"job_id":"J1"}`),
		x.get("/readyz"), x.get("/v1/sales/S1"), x.get("/healthz"), x.get("/v1/status"),
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers[:3] {
		a.want(t, 507, trade.ErrStorageFull)
	}
	answers[3].want(t, 503, trade.ErrStorageFull)
	for _, a := range answers[4:] {
		a.want(t, 200, "")
	}
	x.get("/v1/sales/S2").want(t, 404, trade.ErrNotFound)
	x.post("/v1/sales", saleBody("S2")).want(t, 201, "")
}
