package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
	"tillagent/queue"
)

// This file has doctor's checks of this machine: files, keys, disk, service and
// database.

// rights looks who may read the files that hold keys and secrets.
func (d *doctor) rights() {
	all, err := exposed(d.cfg, d.path)
	if err != nil {
		d.failed(checkRights, err.Error(), say("用有权限的账号运行(sudo)", "run this with the right to look (sudo)"))
	}
	for _, e := range all {
		d.failed(checkRights, e.what(), closeToOthers(e.path))
	}
	if err == nil && len(all) == 0 {
		d.ok(checkRights, say("密钥和配置只有服务和管理员能读", "only the service and administrators can read keys and configuration"))
	}
}

// keys reads the keys and makes a round trip with them; true where they can be
// used.
func (d *doctor) keys() bool {
	p := d.cfg.Piaotong
	if !p.Configured() {
		d.note(checkKeys, say("还没有接入票通平台:只保存和打印销售单,不开票", "the platform is not set up: sales are kept and printed without QR codes"),
			say("拿到平台参数后运行 agent init", "run agent init once Piaotong has given the parameters"))
		return false
	}
	private, err := config.ReadSecretFile(p.PrivateKeyFile)
	if err != nil {
		do := say("用有权限的账号运行(sudo),或从备份恢复该文件", "run this with the right to read it (sudo), or put it back from a backup")
		if errors.Is(err, fs.ErrNotExist) {
			do = fmt.Sprintf(say("生成密钥对:agent keygen --out \"%s\",或改正 private_key_file", "make a pair with agent keygen --out \"%s\", or correct private_key_file"), p.PrivateKeyFile)
		}
		d.failed(checkKeys, fmt.Sprintf(say("读不了我方私钥 %s:%v", "cannot read our private key %s: %v"), p.PrivateKeyFile, err), do)
		return false
	}
	public, err := config.ReadSecretFile(p.PlatformPublicKeyFile)
	if err != nil {
		d.failed(checkKeys, fmt.Sprintf(say("读不了平台公钥 %s:%v", "cannot read the platform's public key %s: %v"), p.PlatformPublicKeyFile, err),
			say("把票通给的平台公钥存成这个文件", "save the public key that Piaotong gave as this file"))
		return false
	}
	own, ownErr := piaotong.ParsePrivateKey(private)
	peer, peerErr := piaotong.ParsePublicKey(public)
	if _, swapped := piaotong.ParsePrivateKey(public); ownErr != nil && peerErr != nil && swapped == nil {
		d.failed(checkKeys, say("两个密钥文件放反了:platform_public_key_file 里是私钥", "the two key files are swapped: platform_public_key_file holds a private key"),
			say("对调 private_key_file 和 platform_public_key_file", "swap private_key_file and platform_public_key_file"))
		return false
	}
	switch {
	case ownErr != nil:
		d.failed(checkKeys, p.PrivateKeyFile+": "+ownErr.Error(),
			fmt.Sprintf(say("换成我方 RSA 私钥;没有就移走这个文件,再生成:agent keygen --out \"%s\"", "put our RSA private key there; if there is none, move this file away and make one with agent keygen --out \"%s\""), p.PrivateKeyFile))
	case peerErr != nil:
		d.failed(checkKeys, p.PlatformPublicKeyFile+": "+peerErr.Error(), say("换成票通给的平台公钥", "put the platform's public key there, as Piaotong gave it"))
	case own.PublicKey.Equal(peer):
		d.failed(checkKeys, say("平台公钥文件里是我方自己的公钥", "the platform's key file holds our own public key"),
			say("换成票通给的平台公钥,不是发给票通的那一个", "put the key that Piaotong gave there, not the one that was sent to Piaotong"))
	default:
		if err := roundTrip(own, p.DES3Key.Reveal()); err != nil {
			d.failed(checkKeys, say("签名和加密的往返不成功:", "the round trip of signing and encrypting fails: ")+err.Error(), say("核对 3DES 密钥和我方私钥", "check the 3DES key and our private key"))
			return false
		}
		d.ok(checkKeys, fmt.Sprintf(say("签名和加密往返正常,我方 %d 位,平台 %d 位", "signing and encrypting work there and back; ours has %d bits, the platform's %d"), own.N.BitLen(), peer.N.BitLen()))
		d.change()
		return true
	}
	return false
}

// change tells of a change of keys that is under way.
func (d *doctor) change() {
	names, err := keysUnderWay(d.cfg, nil)
	switch {
	case err == nil:
		d.note(checkKeys, say("正在更换:", "being changed: ")+strings.Join(names, ", "), say("票通确认切换后运行 agent secrets rotate finish", "run agent secrets rotate finish once Piaotong has changed over"))
	case d.cfg.Piaotong.DES3KeyNext != "" || d.cfg.Piaotong.PrivateKeyNextFile != "" || d.cfg.Piaotong.PlatformPublicKeyNextFile != "":
		d.note(checkKeys, say("正在更换密钥", "keys are being changed"), err.Error())
	}
}

// roundTrip seals and opens a request and its response between our keys and a
// pair that is thrown away.
func roundTrip(own *rsa.PrivateKey, des3 string) error {
	const bits = 1024 // it protects nothing
	other, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return err
	}
	us, err := piaotong.NewCodec(own, &other.PublicKey, des3)
	if err != nil {
		return err
	}
	them, err := piaotong.NewCodec(other, &own.PublicKey, des3)
	if err != nil {
		return err
	}
	const text = `{"text":"开票"}`
	sealed, err := us.SealRequest("DOCTOR00", "DOCT00000000000000000001", time.Now(), []byte(text))
	if err != nil {
		return err
	}
	request, err := them.OpenRequest(sealed)
	if err != nil {
		return err
	}
	if sealed, err = them.SealResponse(piaotong.Response{Code: "0000", Msg: "ok", SerialNo: request.SerialNo, Content: request.Content}); err != nil {
		return err
	}
	response, err := us.OpenResponse(sealed)
	if err == nil && string(response.Content) != text {
		err = errors.New("what comes back is not what was sent")
	}
	return err
}

// Below leastFree the disk counts as full, below littleFree as nearly so. A day
// of sales takes some MB, a rotated log 10 MB.
const (
	leastFree  = 50 << 20
	littleFree = 500 << 20
)

// disk looks whether the data folder takes files and how much room is left.
func (d *doctor) disk() {
	dir := d.cfg.DataDir
	switch _, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		d.note(checkDisk, fmt.Sprintf(say("数据目录 %s 还没有", "there is no data folder %s yet"), dir), say("首次启动时建立", "the first start makes it"))
		dir = existing(dir)
	case err != nil:
		d.failed(checkDisk, err.Error(), say("用有权限的账号运行(sudo),或换一个 data_dir", "run this with the right to look (sudo), or choose another data_dir"))
		return
	default:
		if err := tryWrite(dir); err != nil {
			d.failed(checkDisk, fmt.Sprintf(say("数据目录不能写:%v", "the data folder takes no files: %v"), err),
				say("腾出磁盘空间,并确认服务账号对该目录有写权限", "free some space and see that the service's account may write there"))
			return
		}
	}
	free, err := freeSpace(dir)
	what := fmt.Sprintf(say("%s 剩余 %d MB", "%s has %d MB left"), dir, free>>20)
	switch {
	case err != nil:
		d.failed(checkDisk, fmt.Sprintf("%s: %v", dir, err), say("检查磁盘", "look at the disk"))
	case free < leastFree:
		d.failed(checkDisk, what, say("腾出磁盘空间:满了就收不了单", "free some space: on a full disk no sale is taken"))
	case free < littleFree:
		d.note(checkDisk, what, say("腾出磁盘空间", "free some space soon"))
	default:
		d.ok(checkDisk, what)
	}
}

// existing is the nearest folder above that is there.
func existing(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}

// tryWrite writes a file of a page and takes it away again.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// notOurs is what to do about something that answers where the service would, and
// does not take our token.
func notOurs() string {
	return say("用有权限的账号运行(sudo);若是别的程序占了端口,换一个 [api] listen", "run this with the right to read the token (sudo); if another program has the port, choose another [api] listen")
}

// service asks the service, if it runs.
func (d *doctor) service(ctx context.Context) {
	s, err := runningService(ctx, d.cfg)
	d.local, d.Service = s, s != nil
	_, refused := errors.AsType[*refusedError](err)
	switch {
	case err != nil && !refused:
		d.failed(checkService, fmt.Sprintf(say("%s 上的程序没有应答:%v", "what listens at %s does not answer: %v"), d.cfg.API.Listen, err),
			say("重新启动服务:agent restart;若是别的程序占了端口,换一个 [api] listen", "start the service again: agent restart; if another program has the port, choose another [api] listen"))
	case refused:
		d.failed(checkService, fmt.Sprintf(say("%s 上有程序应答,但不认我们:%v", "something answers at %s and does not take our token: %v"), d.cfg.API.Listen, err),
			notOurs())
	case s == nil:
		d.note(checkService, say("没有运行", "does not run"), say("启动:agent start,或 agent run --config FILE", "start it: agent start, or agent run --config FILE"))
	default:
		d.ok(checkService, fmt.Sprintf(say("运行中,版本 %s,活动告警 %d 条", "runs, version %s, %d active alerts"), s.Version, s.Alerts))
	}
}

// database looks at the sales' database, unless the service has it open.
func (d *doctor) database(ctx context.Context) {
	o := databaseOptions(d.cfg)
	if d.local != nil {
		n := 0
		for _, count := range d.local.Queue.Sales {
			n += count
		}
		d.waits = printsWaiting(ctx, d.cfg)
		d.ok(checkDatabase, fmt.Sprintf(say("由服务打开,%d 单,%d MB", "the service has it open, %d sales, %d MB"), n, d.local.Database.Bytes>>20))
		return
	}
	c, err := queue.Inspect(ctx, o)
	d.waits = c.Waiting
	switch {
	case c.InUse:
		d.held = true
		d.failed(checkDatabase, fmt.Sprintf(say("数据库被锁定:另一个代理正在使用 %s", "the database is locked: another agent works with %s"), o.Path),
			fmt.Sprintf(say("停止那个代理(它不在 %s 应答),或给本配置另一个 data_dir", "stop that agent (it does not answer at %s), or give this configuration another data_dir"), d.cfg.API.Listen))
	case err != nil:
		d.failed(checkDatabase, err.Error(), say("用有权限的账号运行(sudo)", "run this with the right to read it (sudo)"))
	case c.Damaged != nil:
		d.failed(checkDatabase, strings.ReplaceAll(advise(c.Damaged, d.path).Error(), "\n", " "), say("用 agent restore 恢复备份", "put a backup in its place with agent restore"))
	case c.Missing:
		d.note(checkDatabase, say("还没有", "there is none yet"), say("首次启动时建立", "the first start makes it"))
	default:
		d.verify(ctx, o, c)
	}
}

func (d *doctor) verify(ctx context.Context, o queue.Options, c queue.Condition) {
	r, err := queue.Verify(ctx, o.Path)
	switch {
	case err != nil:
		d.failed(checkDatabase, err.Error(), say("稍后再试;仍不行请联系技术支持", "try again later; if that does not help, call support"))
	case c.Version > c.Latest:
		d.failed(checkDatabase, fmt.Sprintf(say("库结构版本 %d 比本程序的 %d 新", "its tables have version %d, newer than this program's %d"), c.Version, c.Latest),
			say("安装更新版本的程序", "install the newer program"))
	case !r.Whole():
		d.failed(checkDatabase, problemText(r.Problems[0]), say("保留现场并联系技术支持;可用 agent restore 恢复备份", "keep it as it is and call support; agent restore puts a backup in its place"))
	case c.Version < c.Latest:
		d.note(checkDatabase, fmt.Sprintf(say("库结构版本 %d,本程序为 %d", "its tables have version %d, this program's %d"), c.Version, c.Latest),
			say("先 agent backup,再启动服务:启动时自动升级", "make a copy with agent backup, then start the service: the start brings it up to date"))
	default:
		d.ok(checkDatabase, fmt.Sprintf(say("完好,%d 单,流水 %d 条", "whole, %d sales, %d journal entries"), r.Sales, r.Journal))
	}
}

// token looks who may read the tokens of the local API.
func (d *doctor) token() {
	own := ownTokenFile(d.cfg)
	if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
		d.note(checkToken, say("还没有", "there is none yet"), say("首次启动时生成", "the first start makes it"))
		return
	}
	good := true
	for _, file := range []string{own, tokenList(d.cfg).Path} {
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf(say("%s 其他用户可读(%04o)", "other users can read %s (%04o)"), file, info.Mode().Perm())
		}
		if err != nil {
			good = false
			d.failed(checkToken, err.Error(), closeToOthers(file))
		}
	}
	if good {
		d.ok(checkToken, own)
	}
}
