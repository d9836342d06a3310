package main

import (
	"context"

	"golang.org/x/sys/windows/registry"
)

// packageCommand is what to run instead where our MSI installed the agent,
// which says so in the registry; "" where it did not.
func packageCommand(context.Context, string) string {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\`+product, registry.READ|registry.WOW64_64KEY)
	if err != nil {
		return ""
	}
	defer k.Close()
	if by, _, err := k.GetStringValue("Installer"); err != nil || by != "msi" {
		return ""
	}
	return "msiexec /i piaotong-agent-VERSION.msi"
}
