package config

import (
	"bytes"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

const canProtect = true

// dpapiFlags: the machine's key, because the technician who stores a secret and the service that reads it are
// different accounts; and never a window, which nobody would see.
const dpapiFlags = windows.CRYPTPROTECT_LOCAL_MACHINE | windows.CRYPTPROTECT_UI_FORBIDDEN

func protect(plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, errForeign
	}
	in, out := windows.DataBlob{Size: uint32(len(plain)), Data: &plain[0]}, windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, nil, 0, nil, dpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("CryptProtectData: %w", err)
	}
	return taken(out)
}

func unprotect(blob []byte) ([]byte, error) {
	in, out := windows.DataBlob{Size: uint32(len(blob)), Data: &blob[0]}, windows.DataBlob{}
	if err := windows.CryptUnprotectData(&in, nil, nil, 0, nil, dpapiFlags, &out); err != nil {
		return nil, errForeign
	}
	return taken(out)
}

// taken copies what Windows allocated, and frees it.
func taken(b windows.DataBlob) ([]byte, error) {
	data := bytes.Clone(unsafe.Slice(b.Data, b.Size))
	_, err := windows.LocalFree(windows.Handle(unsafe.Pointer(b.Data)))
	return data, err
}
