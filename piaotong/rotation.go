package piaotong

import (
	"context"
	"crypto/rsa"
	"strings"
)

// This file is the change of keys while work goes on: for a time two of a kind
// are valid, and nobody knows to the minute when the platform changes over.
//
//   - What the platform signs is verified with its present key, then its next.
//   - What the platform encrypts is opened with the present 3DES key, then the
//     next. Once something opened with the next one, we seal with it too.
//   - We sign and seal with our present keys until the platform refuses just
//     that; then the same content goes once more with the other key, and the one
//     that was taken is used from then on. A request whose signature or content
//     the platform could not read was not processed, so it is not done twice.

// NextKeys are the keys that take over in a change of keys; what is zero stays
// as it is.
type NextKeys struct {
	PrivateKey  *rsa.PrivateKey // ours, whose public key the platform was or will be told
	PlatformKey *rsa.PublicKey  // the platform's
	DES3Key     string          // 24 ASCII characters
}

// any reports whether a change is under way.
func (n NextKeys) any() bool {
	return n.PrivateKey != nil || n.PlatformKey != nil || n.DES3Key != ""
}

// check returns every problem of the next keys beside the present ones.
func (n NextKeys) check(own *rsa.PrivateKey, peer *rsa.PublicKey) []error {
	var problems []error
	problem := func(option, text string) { problems = append(problems, optionError("Next."+option, text)) }
	if n.DES3Key != "" {
		if err := checkDES3Key(n.DES3Key); err != nil {
			problem("DES3Key", err.Error())
		}
	}
	if n.PrivateKey != nil {
		if err := checkKeyBits(&n.PrivateKey.PublicKey); err != nil {
			problem("PrivateKey", err.Error())
		} else if peer != nil && n.PrivateKey.PublicKey.Equal(peer) {
			problem("PrivateKey", "its public key is what is given as the platform's")
		}
	}
	if n.PlatformKey != nil {
		if err := checkKeyBits(n.PlatformKey); err != nil {
			problem("PlatformKey", err.Error())
		} else if own != nil && own.PublicKey.Equal(n.PlatformKey) || n.PrivateKey != nil && n.PrivateKey.PublicKey.Equal(n.PlatformKey) {
			problem("PlatformKey", "is our own public key, not the platform's")
		}
	}
	return problems
}

// add gives a codec the next keys, which were checked. It is called before the
// codec is used.
func (c *Codec) add(n NextKeys) error {
	if n.PrivateKey != nil {
		c.own = append(c.own, n.PrivateKey)
	}
	if n.PlatformKey != nil {
		c.peer = append(c.peer, n.PlatformKey)
	}
	if n.DES3Key != "" {
		cipher, err := newDES3(n.DES3Key)
		if err != nil {
			return optionError("Next.DES3Key", err.Error())
		}
		c.cipher = append(c.cipher, cipher)
	}
	return nil
}

// keyChoice says with which of our keys a message is made: 0 is the present one,
// 1 the next.
type keyChoice struct{ own, cipher int }

// inUse is what messages are made with now.
func (c *Codec) inUse() keyChoice {
	return keyChoice{int(c.ownInUse.Load()), int(c.cipherInUse.Load())}
}

// other is the choice with which a refused message is worth another try: it
// differs in the key that the platform could not do with.
func (c *Codec) other(k keyChoice, r Response) (keyChoice, bool) {
	switch {
	case refusesSignature(r.Code, r.Msg) && len(c.own) > 1:
		k.own = 1 - k.own
		return k, true
	case refusesContent(r) && len(c.cipher) > 1:
		k.cipher = 1 - k.cipher
		return k, true
	}
	return k, false
}

// refusesSignature reports whether the platform could not verify our signature.
// 9999 is the one code whose text must be looked at: "signature check failed"
// in some interfaces, "internal error" in others (error table).
func refusesSignature(code, msg string) bool {
	return code == "9999" && (strings.Contains(msg, "验签") || strings.Contains(msg, "签名"))
}

// refusesContent reports whether the platform could not decrypt our content. The
// code for that is not documented, so the text decides; it is asked only during
// a change of keys, to try the other one.
func refusesContent(r Response) bool {
	return r.Code != codeOK && strings.Contains(r.Msg, "解密")
}

// converse sends content and opens the answer. Where the platform could not read
// it and keys are being changed, it goes again with the other key.
func (c *Client) converse(ctx context.Context, op *operation, content []byte) (r Response, serial string, err error) {
	first := c.codec.inUse()
	r, serial, err = c.send(ctx, op, content, first)
	refusal, refused := r, serial // what stands if no key is taken
	for keys, tried := first, map[keyChoice]bool{first: true}; err == nil; {
		other, again := c.codec.other(keys, r)
		if !again {
			if keys != first {
				c.changeOver(op, first, keys)
			}
			return r, serial, nil
		}
		if tried[other] {
			return refusal, refused, nil
		}
		keys, tried[other] = other, true
		r, serial, err = c.send(ctx, op, content, keys)
	}
	return r, serial, err
}

// changeOver uses from now on what the platform has taken instead of the first
// choice.
func (c *Client) changeOver(op *operation, first, taken keyChoice) {
	if taken.own != first.own {
		c.codec.ownInUse.Store(int32(taken.own))
	}
	if taken.cipher != first.cipher {
		c.codec.cipherInUse.Store(int32(taken.cipher))
	}
	c.log.Warn("the platform has changed over to other keys, and so have we", "op", op.key,
		"private_key", keyNames[taken.own], "des3_key", keyNames[taken.cipher])
}

var keyNames = [...]string{"present", "next"}
