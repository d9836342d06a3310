package main

import (
	"os"
	"testing"
)

func TestProgramIsNamedAsCalled(t *testing.T) {
	called := os.Args[0]
	t.Cleanup(func() { os.Args[0] = called })
	for _, c := range []struct{ called, text, want string }{
		{"/usr/local/bin/agent", "run agent init", "run agent init"},
		{"/usr/bin/piaotong-agent", "run agent init, then agent doctor", "run piaotong-agent init, then piaotong-agent doctor"},
		{`piaotong-agent.exe`, "运行 agent doctor,再 sudo agent start", "运行 piaotong-agent doctor,再 sudo piaotong-agent start"},
		{"piaotong-agent", "piaotong-agent init; the agent stops; the agent run before; another agent run; agent initial", "piaotong-agent init; the agent stops; the agent run before; another agent run; agent initial"},
	} {
		os.Args[0] = c.called
		if got := asCalled(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.called, got, c.want)
		}
	}
}
