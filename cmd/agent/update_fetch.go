package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Limits of fetching.
const (
	manifestWithin = 30 * time.Second
	archiveWithin  = 15 * time.Minute
)

// releaseSource is where a release is: a folder or an address, and the name of
// its manifest there.
type releaseSource struct {
	name string
	open func(ctx context.Context, name string) (io.ReadCloser, error)
}

// sourceOf makes a source of what --from names.
func sourceOf(from string) (releaseSource, error) {
	if !strings.Contains(from, "://") {
		dir := filepath.Dir(from)
		return releaseSource{filepath.Base(from), func(_ context.Context, name string) (io.ReadCloser, error) {
			return os.Open(filepath.Join(dir, name))
		}}, nil
	}
	u, err := url.Parse(from)
	if err != nil {
		return releaseSource{}, err
	}
	if err := allowedURL(u); err != nil {
		return releaseSource{}, err
	}
	folder, name := u.Path[:strings.LastIndexByte(u.Path, '/')+1], u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	client := &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return errors.New("too many redirects")
		}
		return allowedURL(r.URL)
	}}
	return releaseSource{name, func(ctx context.Context, name string) (io.ReadCloser, error) {
		at := *u
		at.Path, at.RawPath = folder+name, ""
		return download(ctx, client, &at)
	}}, nil
}

// allowedURL takes https, and plain http to this machine alone.
func allowedURL(u *url.URL) error {
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf(say("只能用 https:// 地址:%s", "only https:// addresses will do: %s"), u.Redacted())
	}
	return nil
}

func download(ctx context.Context, client *http.Client, u *url.URL) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", say("下载不了", "cannot download"), err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s: %s: %s", say("下载不了", "cannot download"), u.Redacted(), resp.Status)
	}
	return resp.Body, nil
}

// small reads a file of a source that has at most so many bytes.
func (s releaseSource) small(ctx context.Context, name string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, manifestWithin)
	defer cancel()
	r, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf(say("%s 超过 %d 字节", "%s has more than %d bytes"), name, most)
	}
	return text, err
}

// archive writes the archive of a release, which must be exactly the one that
// the manifest names.
func (s releaseSource) archive(ctx context.Context, f releaseFile, to io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, archiveWithin)
	defer cancel()
	r, err := s.open(ctx, f.Name)
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, h), io.LimitReader(r, f.Size+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", f.Name, err)
	case n != f.Size:
		return fmt.Errorf(say("%s 的大小与清单不符(应为 %d 字节):下载不完整或被改动过", "%s is not as long as the manifest says (%d bytes): it was cut off or changed"), f.Name, f.Size)
	case hex.EncodeToString(h.Sum(nil)) != f.SHA256:
		return fmt.Errorf(say("%s 与清单的 SHA-256 不符:被改动过", "%s does not have the manifest's SHA-256: it was changed"), f.Name)
	}
	return nil
}
