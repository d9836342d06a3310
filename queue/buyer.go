package queue

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"

	"tillagent/trade"
)

// storedSale is a sale as its row has it. Who the buyer is stands there
// encrypted, beside an empty buyer.
type storedSale struct {
	trade.Sale
	Sealed []byte `json:"sealed_buyer,omitempty"` // nonce and AES-GCM, bound to the sale's id
}

// errSealed says that a buyer's data was encrypted with another key.
var errSealed = errors.New("the buyer's data cannot be read: it was encrypted with another key")

// sealed is a sale to be stored. Without a key it is stored as it is.
func (s *Store) sealed(sale trade.Sale) (storedSale, error) {
	if s.buyers == nil || sale.Buyer == (trade.Buyer{}) {
		return storedSale{Sale: sale}, nil
	}
	plain, err := json.Marshal(sale.Buyer)
	if err != nil {
		return storedSale{}, err
	}
	nonce := make([]byte, s.buyers.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	sale.Buyer = trade.Buyer{}
	return storedSale{sale, s.buyers.Seal(nonce, nonce, plain, []byte(sale.ID))}, nil
}

// unseal fills in the buyer of a stored sale.
func (s *Store) unseal(r *Record) error {
	if r.sealed == nil {
		return nil
	}
	if s.buyers == nil || len(r.sealed) < s.buyers.NonceSize() {
		return errSealed
	}
	n := s.buyers.NonceSize()
	plain, err := s.buyers.Open(nil, r.sealed[:n], r.sealed[n:], []byte(r.Sale.ID))
	if err != nil {
		return errSealed
	}
	return json.Unmarshal(plain, &r.Sale.Buyer)
}

// sealer makes what a key of 32 bytes encrypts with; nil without a key.
func sealer(key []byte) (cipher.AEAD, error) {
	if key == nil {
		return nil, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
