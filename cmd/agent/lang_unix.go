//go:build unix

package main

import "tillagent/trade"

// userLang is Chinese: where the locale says nothing, nothing else does.
func userLang() trade.Lang { return trade.ZH }
