package receipt

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"sync"
	"testing"
)

// TestImagesOneAtATime: images that are right and images that are wrong, from
// many callers, leave nobody waiting, and no two of them are unpacked together.
func TestImagesOneAtATime(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 16))); err != nil {
		t.Fatal(err)
	}
	good := base64.StdEncoding.EncodeToString(b.Bytes())
	cut := base64.StdEncoding.EncodeToString(b.Bytes()[:b.Len()-20]) // its header is right
	shop := Shop{Columns: 32}
	unpacking.Lock() // as if another were at it
	var callers sync.WaitGroup
	var mu sync.Mutex
	through := 0
	for i := range 20 {
		callers.Go(func() {
			lines, bad := fmt.Sprintf(`[{"image":%q},{"image":%q}]`, good, good), i%2 == 1
			if bad {
				lines = fmt.Sprintf(`[{"image":%q},{"image":%q}]`, good, cut)
			}
			_, problems := shop.Lines([]byte(lines), nil)
			if (len(problems) > 0) != bad {
				t.Errorf("problems %v", problems)
			}
			mu.Lock()
			through++
			mu.Unlock()
		})
	}
	if _, problems := shop.Lines([]byte(`[{"text":"a"}]`), nil); len(problems) > 0 { // waits for no image
		t.Errorf("problems %v", problems)
	}
	mu.Lock()
	if through > 0 {
		t.Errorf("%d callers did not wait", through)
	}
	mu.Unlock()
	unpacking.Unlock()
	callers.Wait()
}
