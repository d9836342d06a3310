package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tillagent/piaotong"
)

// Files in a sandbox's directory. keysFile is the truth; the two PEM files
// are copies of it in the form that the agent's configuration wants.
const (
	keysFile        = "account.json"
	PrivateKeyFile  = "private.pem"  // the partner's private key
	PlatformKeyFile = "platform.pem" // the sandbox platform's public key
)

const (
	platformCode   = "SANDBOX1"
	platformPrefix = "SBOX"
	taxpayerNum    = "91110108SANDBOX01X"
	enterpriseName = "沙箱测试销售有限公司"
	keyBits        = 1024 // the size that the platform documents
)

// Account is what a client needs to call the sandbox.
type Account struct {
	PlatformCode         string
	PlatformPrefix       string
	TaxpayerNum          string
	EnterpriseName       string
	DES3Key              string
	PrivateKeyPEM        string // the partner's, PKCS#8; "" once the partner has told a public key of its own
	PlatformPublicKeyPEM string // SubjectPublicKeyInfo
}

// LogValue keeps the keys out of logs.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("platform_code", a.PlatformCode), slog.String("taxpayer_num", a.TaxpayerNum))
}

// ConfigTOML returns a ready [piaotong] section for the agent, with its table
// of paths behind it. baseURL is
// where the sandbox listens, dir its directory, which holds the key files.
func (a Account) ConfigTOML(baseURL, dir string) string {
	var b strings.Builder
	key := func(name, value string) { fmt.Fprintf(&b, "%s = %s\n", name, strconv.Quote(value)) }
	b.WriteString("[piaotong]\n")
	key("base_url", baseURL)
	// Plain http is allowed by itself only to this machine.
	fmt.Fprintf(&b, "allow_http = %t\n", needsAllowHTTP(baseURL))
	key("platform_code", a.PlatformCode)
	key("platform_prefix", a.PlatformPrefix)
	key("taxpayer_num", a.TaxpayerNum)
	key("enterprise_name", a.EnterpriseName)
	key("des3_key", a.DES3Key)
	key("private_key_file", filepath.Join(dir, PrivateKeyFile))
	key("platform_public_key_file", filepath.Join(dir, PlatformKeyFile))
	// Paths that only the platform's own document tells; these are the sandbox's.
	b.WriteString("[piaotong.endpoints]\n")
	paths := simEndpoints()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		key(name, paths[name])
	}
	return b.String()
}

func needsAllowHTTP(baseURL string) bool {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// ClientOptions returns options with which [piaotong.New] makes a client of
// the sandbox at baseURL. Where only the partner has its private key, that is
// left out.
func (a Account) ClientOptions(baseURL string) (piaotong.Options, error) {
	var private *rsa.PrivateKey
	if a.PrivateKeyPEM != "" {
		var err error
		if private, err = piaotong.ParsePrivateKey([]byte(a.PrivateKeyPEM)); err != nil {
			return piaotong.Options{}, err
		}
	}
	public, err := piaotong.ParsePublicKey([]byte(a.PlatformPublicKeyPEM))
	if err != nil {
		return piaotong.Options{}, err
	}
	return piaotong.Options{
		BaseURL:        baseURL,
		AllowHTTP:      needsAllowHTTP(baseURL),
		PlatformCode:   a.PlatformCode,
		PlatformPrefix: a.PlatformPrefix,
		DES3Key:        a.DES3Key,
		PrivateKey:     private,
		PlatformKey:    public,
		Endpoints:      simEndpoints(),
	}, nil
}

// keys is both sides' secrets, as kept in keysFile.
type keys struct {
	DES3Key         string `json:"des3_key"`
	PartnerPrivate  string `json:"partner_private_pem"`
	PlatformPrivate string `json:"platform_private_pem"`
	// PartnerPublic, once told, takes the place of PartnerPrivate.
	PartnerPublic string `json:"partner_public,omitempty"`

	partner  *rsa.PublicKey
	platform *rsa.PrivateKey
}

// openKeys reads the keys in dir, or makes them at the first start.
func openKeys(dir string) (*keys, error) {
	if dir == "" {
		return newKeys()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, keysFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := newKeys()
		if err != nil {
			return nil, err
		}
		return k, k.save(dir)
	}
	if err != nil {
		return nil, err
	}
	k := new(keys)
	if err := json.Unmarshal(data, k); err != nil {
		return nil, fmt.Errorf("%s is damaged; remove it to get new keys", path)
	}
	if err := k.parse(); err != nil {
		return nil, fmt.Errorf("%s: %v", path, err)
	}
	return k, k.writePEM(dir)
}

func newKeys() (*keys, error) {
	k := &keys{DES3Key: rand.Text()[:24]}
	for _, p := range []*string{&k.PartnerPrivate, &k.PlatformPrivate} {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		*p = encodePEM("PRIVATE KEY", der)
	}
	return k, k.parse()
}

func (k *keys) parse() (err error) {
	if k.PartnerPublic != "" {
		if k.partner, err = piaotong.ParsePublicKey([]byte(k.PartnerPublic)); err != nil {
			return err
		}
	} else {
		own, err := piaotong.ParsePrivateKey([]byte(k.PartnerPrivate))
		if err != nil {
			return err
		}
		k.partner = &own.PublicKey
	}
	k.platform, err = piaotong.ParsePrivateKey([]byte(k.PlatformPrivate))
	return err
}

// save writes the keys into dir, in every form.
func (k *keys) save(dir string) error {
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, keysFile), data); err != nil {
		return err
	}
	return k.writePEM(dir)
}

func (k *keys) platformPublicPEM() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&k.platform.PublicKey)
	return encodePEM("PUBLIC KEY", der), err
}

func (k *keys) account() (Account, error) {
	public, err := k.platformPublicPEM()
	return Account{
		PlatformCode:         platformCode,
		PlatformPrefix:       platformPrefix,
		TaxpayerNum:          taxpayerNum,
		EnterpriseName:       enterpriseName,
		DES3Key:              k.DES3Key,
		PrivateKeyPEM:        k.partnerPEM(),
		PlatformPublicKeyPEM: public,
	}, err
}

// partnerPEM is the partner's private key; "" where only the partner has it.
func (k *keys) partnerPEM() string {
	if k.PartnerPublic != "" {
		return ""
	}
	return k.PartnerPrivate
}

// writePEM writes the files that the agent's configuration names.
func (k *keys) writePEM(dir string) error {
	if private := k.partnerPEM(); private != "" {
		if err := writeFile(filepath.Join(dir, PrivateKeyFile), []byte(private)); err != nil {
			return err
		}
	}
	public, err := k.platformPublicPEM()
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, PlatformKeyFile), []byte(public))
}

func encodePEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// writeFile writes a secret so that a crash leaves the old file or the new one.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
