package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"math/big"
	"strings"
)

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func verify(multikey string, message, signature []byte) error {
	number := new(big.Int)
	for _, char := range strings.TrimPrefix(multikey, "z") {
		at := strings.IndexRune(base58, char)
		if at < 0 {
			return errors.New("not base58")
		}
		number.Mul(number, big.NewInt(58)).Add(number, big.NewInt(int64(at)))
	}
	raw := number.Bytes()
	if len(signature) != 64 || len(raw) < 3 {
		return errors.New("wrong length")
	}
	good := false
	switch {
	case raw[0] == 0xed && raw[1] == 0x01 && len(raw) == 34:
		good = ed25519.Verify(ed25519.PublicKey(raw[2:]), message, signature)
	case raw[0] == 0x80 && raw[1] == 0x24 && len(raw) == 35:
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), raw[2:])
		if x == nil {
			return errors.New("not a point of P-256")
		}
		digest := sha256.Sum256(message)
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		good = ecdsa.Verify(&ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}, digest[:], r, s)
	default:
		return errors.New("an unknown kind of key")
	}
	if !good {
		return errors.New("the signature does not hold")
	}
	return nil
}
