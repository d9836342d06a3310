package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	mostConfig = 1 << 20 // bytes of a configuration file
	mostSecret = 1 << 14 // bytes of a file that holds one secret
)

// Default gives the configuration of an empty file. Its relative paths are as in config.example.toml.
func Default() *Config {
	c := &Config{Printer: Printer{Name: ReceiptPrinter}}
	c.Piaotong.Endpoints = map[string]string{}
	for _, s := range settings {
		s.reset(c)
	}
	return c
}

// Load reads the configuration file at path. Keys that the environment sets (environ as of os.Environ) override the
// file's. Every error is a *Problems.
func Load(path string, environ []string) (*Config, error) {
	data, err := readFile(path, mostConfig)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, data, environ)
}

// unreadable says why a configuration file cannot be read, and what to do.
func unreadable(path string, err error) *Problems {
	zh, en := reason(err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		zh, en = zh+"；请以管理员运行（Linux：sudo）", en+"; run this as administrator (sudo on Linux)"
	case errors.Is(err, fs.ErrNotExist):
		zh, en = zh+"；请检查 --config，或用 agent init 建立", en+"; check --config, or make one with agent init"
	}
	return &Problems{{File: path, Message: "读不了配置文件：" + zh, English: "cannot read the configuration file: " + en}}
}

// Parse does what Load does with the contents of a file. The name stands in problems, and its folder is where relative
// paths start.
func Parse(name string, data []byte, environ []string) (*Config, error) {
	l := newLoader(name)
	complete := l.file(data)
	l.environment(environ)
	l.useCredentials(environ)
	l.readSecrets()
	l.readNextDES3()
	l.checkTogether(complete)
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, &l.problems
	}
	if l.config.DataDir == "" {
		l.config.DataDir = defaultDataDir()
	}
	l.config.Piaotong.BaseURL = strings.TrimSuffix(l.config.Piaotong.BaseURL, "/")
	for _, s := range settings {
		if s.locate != nil {
			s.locate(l.config, l.absolute)
		}
	}
	l.sources()
	return l.config, nil
}

// DataDir gives the data folder alone, for those who clean up: from a configuration that is otherwise wrong or lacks its
// secrets, too. A file that is not there is an empty one. Every error is a *Problems.
func DataDir(path string, environ []string) (string, error) {
	l := newLoader(path)
	data, err := readFile(path, mostConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", unreadable(path, err)
	}
	complete := l.file(data)
	l.environment(environ)
	if _, given := l.given["data_dir"]; l.failed("data_dir") || !complete && !given {
		return "", &l.problems
	}
	if l.config.DataDir == "" {
		return defaultDataDir(), nil
	}
	return l.absolute(l.config.DataDir), nil
}

// loader collects one configuration and what is wrong with it.
type loader struct {
	name        string
	dir         string // where relative paths start
	config      *Config
	given       map[string]place      // where each key was given, good or not
	inline      map[string]bool       // the secrets whose text itself was given
	secretFiles map[string]secretFile // the secrets whose text is in a file, and which
	ports       []place               // where the port of each of the further printers was given
	named       map[string]string     // the files that the configuration file names for secrets
	credentials string                // folder of systemd's credentials; "" = none
	problems    Problems
}

func newLoader(name string) *loader {
	dir := filepath.Dir(name)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &loader{name: name, dir: dir, config: Default(),
		given: map[string]place{}, inline: map[string]bool{}, secretFiles: map[string]secretFile{}, named: map[string]string{}}
}

type secretFile struct {
	path string
	at   place
}

func (l *loader) problem(at place, key, zh, en string) {
	l.problems = append(l.problems, Problem{File: at.file, Line: at.line, Key: key, Message: zh, English: en})
}

// refuse records that a value is not what its key may be.
func (l *loader) refuse(s *setting, v value) {
	zh, en := s.want.zh, s.want.en
	if !s.hide {
		d := v.describe()
		zh, en = zh+"；"+d.zh, en+"; "+d.en
	}
	l.problem(v.at, s.path, zh, en)
}

// unknown refuses a key that is none; allowed are those that could stand there.
func (l *loader) unknown(at place, key, suggestion string, allowed []string) {
	zh, en := "没有这个键", "there is no such key"
	switch {
	case suggestion != "":
		zh, en = zh+"；是不是 "+suggestion+"？", en+"; did you mean "+suggestion+"?"
	case len(allowed) > 0:
		names := strings.Join(allowed, " ")
		zh, en = zh+"；这里可以写："+names, en+"; here may stand: "+names
	}
	l.problem(at, key, zh, en)
}

func (l *loader) repeated(at place, key string, first place) {
	l.problem(at, key, fmt.Sprintf("重复：第 %d 行已经写过", first.line), fmt.Sprintf("is given twice: line %d has it already", first.line))
}

func (l *loader) both(at place, key string) {
	l.problem(at, key+"_file", "与 "+key+" 只能写一个", "must not be given together with "+key)
}

// failed reports whether something is wrong with a key already.
func (l *loader) failed(key string) bool {
	for _, p := range l.problems {
		if p.Key == key || p.Key == key+"_file" {
			return true
		}
	}
	return false
}

// absolute makes a path absolute; the empty one stays empty.
func (l *loader) absolute(path string) string {
	switch {
	case path == "" || filepath.IsAbs(path):
		return path
	case os.IsPathSeparator(path[0]): // on Windows a path without its drive: the configuration's
		return filepath.VolumeName(l.dir) + path
	default:
		return filepath.Join(l.dir, path)
	}
}

// readSecrets puts the contents of the …_file keys where the secrets would stand.
func (l *loader) readSecrets() {
	for _, s := range settings {
		f, found := l.secretFiles[s.path]
		if !found {
			continue
		}
		if l.inline[s.path] {
			l.both(f.at, s.path)
			continue
		}
		if v, ok := l.readSecret(f.at, s.path+"_file", f.path); ok {
			s.set(l, v)
		}
	}
}

// readSecret reads a file that holds one secret; the end of its line and an editor's byte order mark do not belong to it.
func (l *loader) readSecret(at place, key, path string) (value, bool) {
	data, err := ReadSecretFile(l.absolute(path))
	if err != nil {
		zh, en := reason(err)
		// Who mixes the two keys up has written the secret where its file's name belongs: the name is not shown.
		l.problem(at, key, "读不了这个文件："+zh+"（相对路径从 "+l.dir+" 算起）",
			"cannot read the file: "+en+" (relative paths start at "+l.dir+")")
		return value{}, false
	}
	if file := l.absolute(path); !l.isCredential(file) {
		l.config.SecretFiles = append(l.config.SecretFiles, file)
	}
	return value{kind: kindEnv, text: strings.TrimRight(string(bytes.TrimPrefix(data, byteOrderMark)), "\r\n"), at: at}, true
}

var (
	errTooLong = errors.New("too long")
	errNoFile  = errors.New("not a file")
)

// readFile reads a regular file of at most so many bytes: a pipe or a device could keep the start waiting for ever.
func readFile(path string, most int64) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = errTooLong
	}
	return data, err
}

// reason says in both languages why a file could not be read.
func reason(err error) (zh, en string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "文件不存在", "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "没有读取权限", "no permission to read it"
	case errors.Is(err, errTooLong):
		return "文件太大", "the file is too long"
	case errors.Is(err, errForeign):
		return "文件由另一台机器加密，或已损坏；请在本机用 agent secrets set 重新存入", "it was protected by another machine, or is damaged; store it again on this one with agent secrets set"
	case errors.Is(err, errNoFile):
		return "不是普通文件", "it is not a regular file"
	}
	var perr *fs.PathError
	if errors.As(err, &perr) { // without the path, which may be a misplaced secret
		err = perr.Err
	}
	return err.Error(), err.Error()
}
