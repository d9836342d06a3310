package main

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"

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
		return asCalled(en)
	}
	return asCalled(zh)
}

// ownCommand finds commands in a text, and what stands before "agent" where no
// command is meant.
var ownCommand = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(the |another |piaotong-)?\bagent (demo|run|sandbox|paper|init|doctor|ports|print-test|install|uninstall|start|stop|restart|status|console|backup|restore|verify|export|version|token|support|keygen|profiles|logs|secrets|update|completion)\b`)
})

// asCalled names the program in a text for people as they call it: installed, it
// is piaotong-agent.
func asCalled(text string) string {
	if programName() != serviceName || !strings.Contains(text, "agent ") {
		return text
	}
	return ownCommand().ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "agent ") {
			return serviceName + strings.TrimPrefix(found, "agent")
		}
		return found
	})
}

// inCommand gives a path as it is typed in a command.
func inCommand(path string) string {
	if strings.ContainsAny(path, " ()&;'") {
		return `"` + path + `"`
	}
	return path
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
	if perr, bare := err.(*fs.PathError); bare {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return perr.Path + say(":没有这个文件或文件夹", ": there is no such file or folder")
		case errors.Is(err, fs.ErrPermission):
			return perr.Path + say(":没有权限;请换一个位置,或以管理员运行", ": no permission; choose another place, or run it as administrator")
		}
	}
	return err.Error()
}
