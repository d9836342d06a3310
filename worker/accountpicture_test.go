package worker

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"testing"
)

func TestPNGOf(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 40, 30))
	encoded := func(encode func(*bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	asGIF := encoded(func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) })
	huge := bytes.Clone(asGIF)
	binary.LittleEndian.PutUint16(huge[6:], 60000) // its width
	for name, c := range map[string]struct {
		picture []byte
		ok      bool
	}{
		"png":       {encoded(func(b *bytes.Buffer) error { return png.Encode(b, picture) }), true},
		"jpeg":      {encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) }), true},
		"gif":       {asGIF, true},
		"huge":      {huge, false},
		"half":      {asGIF[:20], false},
		"none":      {nil, false},
		"something": {[]byte("BM, as a picture of Windows begins"), false},
	} {
		t.Run(name, func(t *testing.T) {
			out := pngOf(c.picture, http.DetectContentType(c.picture))
			if !c.ok {
				if out != nil {
					t.Errorf("%d bytes came of it", len(out))
				}
				return
			}
			if got, err := png.Decode(bytes.NewReader(out)); err != nil || got.Bounds() != picture.Bounds() {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
