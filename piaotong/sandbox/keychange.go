package sandbox

import (
	"crypto/rand"
	"net/http"

	"tillagent/piaotong"
)

// ring is the keys in use. It changes as a whole.
type ring struct {
	keys     keys
	account  Account
	codec    *piaotong.Codec // the platform's side
	wrongKey *piaotong.Codec // the same with a 3DES key that is not the partner's, for a fault
}

func newRing(k keys) (*ring, error) {
	r := &ring{keys: k}
	var err error
	if r.account, err = k.account(); err != nil {
		return nil, err
	}
	if r.codec, err = piaotong.NewCodec(k.platform, k.partner, k.DES3Key); err != nil {
		return nil, err
	}
	r.wrongKey, err = piaotong.NewCodec(k.platform, k.partner, rand.Text()[:24])
	return r, err
}

// KeyChange is a change of keys as the platform's staff makes it: from now on
// the new key alone is valid. What is "" stays.
type KeyChange struct {
	PartnerPublicKey   string `json:"partner_public_key"`   // that requests are verified with; PEM or bare base64
	PlatformPrivateKey string `json:"platform_private_key"` // that answers and pushes are signed with; PEM or bare base64
	DES3Key            string `json:"des3_key"`             // 24 ASCII characters
}

// ChangeKeys changes keys. Calls that are under way end with the old ones. In a
// directory the new ones are kept.
func (s *Sandbox) ChangeKeys(c KeyChange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	k := s.ring.Load().keys
	if c.PartnerPublicKey != "" {
		k.PartnerPublic = c.PartnerPublicKey
	}
	if c.PlatformPrivateKey != "" {
		k.PlatformPrivate = c.PlatformPrivateKey
	}
	if c.DES3Key != "" {
		k.DES3Key = c.DES3Key
	}
	if err := k.parse(); err != nil {
		return badInput("%v", err)
	}
	r, err := newRing(k)
	if err != nil {
		return badInput("%v", err)
	}
	if s.dir != "" {
		if err := k.save(s.dir); err != nil {
			return err
		}
	}
	s.ring.Store(r)
	s.log.Info("sandbox", "kind", "keys changed", "partner_public_key", c.PartnerPublicKey != "", "platform_key", c.PlatformPrivateKey != "", "des3_key", c.DES3Key != "")
	return nil
}

// controlKeys changes keys and answers with the platform's public key.
func (s *Sandbox) controlKeys(r *http.Request) (any, error) {
	var c KeyChange
	if err := readJSON(r, &c); err != nil {
		return nil, err
	}
	if err := s.ChangeKeys(c); err != nil {
		return nil, err
	}
	return map[string]string{"platform_public_key": s.Account().PlatformPublicKeyPEM}, nil
}
