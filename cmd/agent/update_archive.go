package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// releasedName is the program's name in releases.
func releasedName(goos string) string {
	if goos == "windows" {
		return product + ".exe"
	}
	return product
}

// archiveKind is how an archive is packed, by its name; "" for none that we
// open.
func archiveKind(name string) string {
	for _, kind := range []string{".zip", ".tar.gz"} {
		if strings.HasSuffix(name, kind) {
			return kind
		}
	}
	return ""
}

// extractProgram writes the one program of an archive. All names in the archive
// are looked at, though only the program is taken out: an archive with names
// that lead elsewhere is none of ours.
func extractProgram(archive *os.File, program string, to io.Writer) error {
	found := 0
	err := walkArchive(archive, func(name string, mode fs.FileMode, content func() (io.ReadCloser, error)) error {
		switch {
		case !safeName(name):
			return fmt.Errorf(say("压缩包里有不安全的文件名 %q", "the archive has a name in it that is not safe: %q"), name)
		case mode.IsDir():
			return nil
		case !mode.IsRegular():
			return fmt.Errorf(say("压缩包里的 %q 不是普通文件", "%q in the archive is not a plain file"), name)
		case path.Base(name) != program || strings.Count(path.Clean(name), "/") > 1: // it lies at the top, or in the one folder there
			return nil
		}
		if found++; found > 1 {
			return fmt.Errorf(say("压缩包里有不止一个 %s", "the archive has more than one %s"), program)
		}
		return copyContent(to, content)
	})
	if err == nil && found == 0 {
		err = fmt.Errorf(say("压缩包里没有 %s", "the archive has no %s"), program)
	}
	return err
}

// walkArchive calls f for each entry of an archive.
func walkArchive(archive *os.File, f func(name string, mode fs.FileMode, content func() (io.ReadCloser, error)) error) error {
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	if archiveKind(archive.Name()) == ".zip" {
		z, err := zip.NewReader(archive, info.Size())
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // f sees the names
			return err
		}
		for _, e := range z.File {
			if err := f(e.Name, e.Mode(), e.Open); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	g, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	limited := &io.LimitedReader{R: g, N: 2 * mostProgram} // what is packed can be much more than its archive
	t := tar.NewReader(limited)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if err := f(h.Name, h.FileInfo().Mode(), func() (io.ReadCloser, error) { return io.NopCloser(t), nil }); err != nil {
			return err
		}
	}
}

// safeName tells names that stay in the folder where an archive is unpacked,
// on any system.
func safeName(name string) bool {
	return filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(name, `\:`) && path.Clean(name) == strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
}

// copyContent copies one file of an archive, up to a limit.
func copyContent(to io.Writer, content func() (io.ReadCloser, error)) error {
	r, err := content()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(to, io.LimitReader(r, mostProgram+1))
	if err == nil && n > mostProgram {
		err = fmt.Errorf(say("程序超过 %d 字节", "the program has more than %d bytes"), mostProgram)
	}
	return err
}

// checkBuiltFor looks whether a program was built for a platform, os/arch.
func checkBuiltFor(program io.ReaderAt, platform string) error {
	info, err := buildinfo.Read(program)
	if err != nil {
		return fmt.Errorf("%s: %w", say("压缩包里的程序读不了", "the program in the archive cannot be read"), err)
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if is := set["GOOS"] + "/" + set["GOARCH"]; is != platform {
		return fmt.Errorf(say("压缩包里是 %s 的程序,不是 %s 的", "the program in the archive is for %s, not for %s"), is, platform)
	}
	return nil
}
