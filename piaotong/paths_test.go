package piaotong

import "testing"

func TestHasPath(t *testing.T) {
	opts := testOptions(t, "http://127.0.0.1:1")
	opts.Endpoints = map[string]string{"red_init": "/sim/2.36", "qr_create": ""}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"red_init": true, "qr_create": true, "red_partial": false, "no_such_key": false} {
		if got := c.HasPath(key); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
}
