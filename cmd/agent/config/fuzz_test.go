package config

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParse: whatever stands in the file or the environment, Parse does not panic, and refuses only with problems that
// name a place and say in both languages what is wrong, on one line each.
func FuzzParse(f *testing.F) {
	f.Add(readExample(f), "AGENT_API_LISTEN=[::1]:80")
	for _, seed := range []string{
		platform, "", "[api]\n[[api.tokens]]\nname='a'", "a.b.c = [1, [2, {d = 1}]]", "[api.tokens.x]", "[[api]]", "x = 1979-05-27T07:32:00Z",
		"[\"\"]\n\"\\u0000\" = inf", "\xef\xbb\xbf", "poll = {fast = '1s'", "[printer]\nport = 'tcp://[::1%25eth0]:9100'", "\"\\", "a=\"\"\"\r",
	} {
		f.Add([]byte(seed), "AGENT_API_TOKENS=a:b:c,d")
	}
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		if strings.Contains(string(data), "_file") || strings.Contains(variable, "_FILE") {
			t.Skip("reads other files")
		}
		c, err := Parse("config.toml", data, []string{variable})
		if err == nil {
			if c == nil || c.DataDir == "" {
				t.Fatalf("accepted as %+v", c)
			}
			return
		}
		var ps *Problems
		if !errors.As(err, &ps) || len(*ps) == 0 {
			t.Fatalf("error is %T: %v", err, err)
		}
		for _, p := range *ps {
			if p.File == "" || p.Line < 0 || p.Message == "" || p.English == "" {
				t.Errorf("incomplete problem %+v", p)
			}
		}
		if strings.Count(err.Error(), "\n") != len(*ps)-1 {
			t.Errorf("%d problems, but text is %q", len(*ps), err)
		}
	})
}
