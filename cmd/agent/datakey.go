package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tillagent/cmd/agent/config"
)

// keyBytes is the length of the keys that the agent makes for itself.
const keyBytes = 32

// ownKey is such a key: its file in the data folder, and what people call it.
type ownKey struct {
	file, zh, en   string
	lostZh, lostEn string // what is lost with it
}

var (
	// voucherKey is of 凭证码: with another one, paper of before could not be told
	// from invented paper.
	voucherKey = ownKey{"voucher.key", "凭证码密钥", "the key of vouchers",
		"之前小票上的凭证码就无法核对", "vouchers printed before cannot be checked"}
	// buyerKey encrypts buyers' data in the database.
	buyerKey = ownKey{"buyers.key", "购买方资料密钥", "the key of buyers' data",
		"还没开票的单就没有购买方资料", "sales that are not invoiced yet lose their buyers"}
)

func (k ownKey) path(cfg *config.Config) string { return filepath.Join(cfg.DataDir, k.file) }

// dataKey reads a key of the agent's own. The first start makes it, readable by
// its owner alone; it appears whole or not at all.
func dataKey(cfg *config.Config, k ownKey) ([]byte, error) {
	path := k.path(cfg)
	key, err := readSoon(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return makeDataKey(cfg, k)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", say("读不了"+k.zh, "cannot read "+k.en), err)
	case len(key) != keyBytes:
		return nil, fmt.Errorf(say(k.zh+" %s 已损坏(%d 字节):请从备份恢复;删除它会另生成一把,"+k.lostZh,
			k.en+" %s is damaged (%d bytes): put it back from a backup; if it is deleted a new one is made, and "+k.lostEn), path, len(key))
	}
	return key, nil
}

func makeDataKey(cfg *config.Config, k ownKey) ([]byte, error) {
	path := k.path(cfg)
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key)                                 // never fails
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("%s: %w", say("无法生成"+k.zh, "cannot make "+k.en), err)
	}
	// After a rename there is none. On Windows another start may just read the key
	// by its other name.
	defer removeSoon(context.Background(), f.Name())
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		// A rename would take away the key of another start, which works with it.
		if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
			return dataKey(cfg, k)
		}
		if err != nil { // this file system has no links
			err = os.Rename(f.Name(), path)
		}
		err = errors.Join(err, syncDir(filepath.Dir(path))) // before anything is encrypted with it
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", say("无法生成"+k.zh, "cannot make "+k.en), err)
	}
	return key, nil
}

// readSoon reads a file. On Windows another start, which has just made it, may keep
// it to itself for another moment.
func readSoon(path string) ([]byte, error) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-again.C {
		data, err := os.ReadFile(path)
		if !inUse(err) || time.Now().After(end) {
			return data, err
		}
	}
}

// removeSoon deletes a file that may be in use for another moment.
func removeSoon(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := os.Remove(path)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}
