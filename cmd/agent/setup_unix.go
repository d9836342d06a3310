//go:build unix

package main

import "github.com/spf13/cobra"

// systemCommands are the commands of this system alone: here packages do with
// scripts what Windows' installers call us for.
func systemCommands() []*cobra.Command { return nil }
