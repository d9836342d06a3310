package main

import (
	"errors"
	"os"
	"strings"

	"tillagent/cmd/agent/config"
	"tillagent/trade"
)

// lang is the language of messages, by --lang or the system's locale.
var lang string

// systemLang is English where the locale says so, or the system itself; else
// Chinese.
func systemLang() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); strings.HasPrefix(v, "en") {
			return string(trade.EN)
		} else if v != "" && v != "C" && v != "POSIX" && !strings.HasPrefix(v, "C.") {
			break
		}
	}
	return string(userLang())
}

// say picks the words of the language.
func say(zh, en string) string {
	if strings.HasPrefix(lang, "en") {
		return en
	}
	return zh
}

// message is an error for people.
func message(err error) string {
	var ps *config.Problems
	if errors.As(err, &ps) {
		return strings.TrimRight(ps.In(lang), "\n")
	}
	if text := databaseMessage(err); text != "" {
		return text
	}
	return err.Error()
}
