package printer

import (
	"reflect"
	"testing"

	"github.com/tarm/serial"
)

// The serial library keeps its handle where newControl looks for it.
func TestR01HandleOfTheLibrary(t *testing.T) {
	if f, ok := reflect.TypeFor[serial.Port]().FieldByName(handleFields[0]); !ok || f.Type.Kind() != reflect.Uintptr {
		t.Errorf("serial.Port has no handle %q", handleFields[0])
	}
}
