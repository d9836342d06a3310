package worker_test

import (
	"net"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// TestHeldJobWritesNothing: while a printer stays as it is, it is asked and asked
// again, and neither the journal nor the events grow.
func TestHeldJobWritesNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan struct{}, 1000)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close() // as one does that is switched off behind its network adapter
			asked <- struct{}{}
		}
	}()
	s := open(t, wishes{qrWait: 10 * time.Second, port: "tcp://" + l.Addr().String()})
	news := s.store.Follow(queue.Latest)
	s.sell("S1")
	s.follow(news, "held job", func(e queue.Event) bool { return e.Type == "print.held" })
	s.await("S1", "held", paperIs(0, trade.PrintHeld))
	for len(asked) > 0 {
		<-asked
	}
	s.sell("S2")
	late := time.After(time.Minute)
	for range 4 { // the printer is asked twice at least: a port may be opened twice before it is given up
		select {
		case <-asked:
		case <-late:
			t.Fatal("the printer is not asked again")
		}
	}
	s.await("S2", "queued", paperIs(0, trade.PrintQueued))
	s.stop()
	story, err := s.store.Timeline(t.Context(), "S1")
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, m := range story.Moves {
		if m.IsPaper() && m.State == string(trade.PrintHeld) {
			held++
		}
	}
	if held != 1 {
		t.Errorf("the job was noted as held %d times, want once", held)
	}
}
