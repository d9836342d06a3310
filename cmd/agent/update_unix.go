//go:build unix

package main

import (
	"context"
	"os/exec"
	"time"
)

// packageCommand is what to run instead where a package owns a program; ""
// where none does.
func packageCommand(ctx context.Context, program string) string {
	for _, p := range []struct {
		ask     []string
		instead string
	}{
		{[]string{"dpkg-query", "-S", program}, "sudo apt install ./piaotong-agent_VERSION_ARCH.deb"},
		{[]string{"rpm", "-qf", program}, "sudo rpm -U piaotong-agent-VERSION.ARCH.rpm"},
	} {
		if asks(ctx, p.ask) {
			return p.instead
		}
	}
	return ""
}

// asks reports whether a command is there and says yes.
func asks(ctx context.Context, command []string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, command[0], command[1:]...).Run() == nil
}
