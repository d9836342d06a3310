package main

import (
	"strings"

	"golang.org/x/sys/windows"

	"tillagent/trade"
)

// userLang is the language in which Windows shows itself to the user: Chinese,
// or else English.
func userLang() trade.Lang {
	names, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err == nil && len(names) > 0 && !strings.HasPrefix(names[0], "zh") {
		return trade.EN
	}
	return trade.ZH
}
