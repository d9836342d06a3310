package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
)

// This file is how other commands ask the service that runs on this machine.

// direct calls this machine itself: what it carries must pass through no proxy
// of the environment.
var direct = &http.Transport{DisableKeepAlives: true, Proxy: nil, ResponseHeaderTimeout: 30 * time.Second}

// errNotRunning says that nothing listens where the service would.
var errNotRunning = errors.New("the service does not run")

// refusedError says that what listens there does not take our token.
type refusedError struct{ why string } // the status, or why we have no token

func (e *refusedError) Error() string { return e.why }

// localService is the running service of a configuration.
type localService struct {
	url, tokenFile string
	certFile       string // that it shows; "" where it speaks plain http
}

func localOf(cfg *config.Config) (localService, error) {
	_, port, err := net.SplitHostPort(cfg.API.Listen)
	if err != nil || port == "0" {
		return localService{}, errNotRunning // nobody knows its port
	}
	// It listens on the loopback whatever else it listens on.
	return localService{scheme(cfg.API) + "://127.0.0.1:" + port, ownTokenFile(cfg), cfg.API.TLSCertFile}, nil
}

// get asks for a resource. The error is errNotRunning where nothing listens.
func (l localService) get(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+path, nil)
	if err != nil {
		return err
	}
	// Without a token one still learns whether something listens; one must not be
	// made here, that is the service's.
	_, tokenErr := os.Stat(l.tokenFile)
	if tokenErr == nil {
		var token string
		if token, tokenErr = localapi.TokenFile(l.tokenFile); tokenErr == nil {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	resp, err := l.transport().RoundTrip(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaConnRefused):
		return errNotRunning
	case err != nil:
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusUnauthorized && tokenErr != nil && !errors.Is(tokenErr, fs.ErrNotExist):
		return &refusedError{tokenErr.Error()}
	case resp.StatusCode != http.StatusOK:
		return &refusedError{resp.Status}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s %s: %w", l.url, path, err)
	}
	return nil
}

// wsaConnRefused is WSAECONNREFUSED of winsock.h: Windows' own number for it.
const wsaConnRefused syscall.Errno = 10061

// serviceStatus is what of GET /v1/status other commands look at.
type serviceStatus struct {
	Version  string `json:"version"`
	Platform struct {
		Configured bool    `json:"configured"`
		Online     bool    `json:"online"`
		Contact    *string `json:"last_contact"`
		SkewMS     int64   `json:"clock_skew_ms"`
	} `json:"platform"`
	Printer struct {
		Configured bool   `json:"configured"`
		Port       string `json:"port"`
		Profile    string `json:"profile"`
		State      string `json:"state"`
	} `json:"printer"`
	Printers []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"printers"`
	Queue struct {
		Sales map[string]int `json:"sales"`
	} `json:"queue"`
	Alerts   int `json:"alerts"`
	Database struct {
		Bytes int64 `json:"bytes"`
	} `json:"database"`
}

// status asks the service how it is.
func (l localService) status(ctx context.Context) (*serviceStatus, error) {
	var s serviceStatus
	if err := l.get(ctx, "/v1/status", &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// runningService gives how the service of a configuration is; nil where it does
// not run.
func runningService(ctx context.Context, cfg *config.Config) (*serviceStatus, error) {
	l, err := localOf(cfg)
	if err != nil {
		return nil, nil
	}
	s, err := l.status(ctx)
	if errors.Is(err, errNotRunning) {
		return nil, nil
	}
	return s, err
}
