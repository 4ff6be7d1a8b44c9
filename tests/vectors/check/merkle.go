package main

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// The hashes, roots and paths of RFC 6962, by their recursive definitions.

func leafHash(data []byte) [32]byte { return sha256.Sum256(append([]byte{0}, data...)) }

func nodeHash(left, right [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// treeRoot is MTH of section 2.1, by its recursive definition.
func treeRoot(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return nodeHash(treeRoot(leaves[:k]), treeRoot(leaves[k:]))
}

// rootOf follows a path from the root downwards, as PATH of section 2.1.1 is defined, and so
// has nothing in common with the bitwise walk of RFC 9162.
func rootOf(index, size uint64, leaf [32]byte, path [][32]byte) ([32]byte, error) {
	if index >= size {
		return leaf, errors.New("no such leaf")
	}
	if size == 1 {
		if len(path) != 0 {
			return leaf, errors.New("path too long")
		}
		return leaf, nil
	}
	if len(path) == 0 {
		return leaf, errors.New("path too short")
	}
	k := uint64(1)
	for k*2 < size {
		k *= 2
	}
	last := path[len(path)-1]
	if index < k {
		below, err := rootOf(index, k, leaf, path[:len(path)-1])
		return nodeHash(below, last), err
	}
	below, err := rootOf(index-k, size-k, leaf, path[:len(path)-1])
	return nodeHash(last, below), err
}

func decodePath(texts []string) ([][32]byte, error) {
	var path [][32]byte
	for _, text := range texts {
		raw, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(raw) != 32 {
			return nil, errors.New("not the base64 of a hash")
		}
		path = append(path, [32]byte(raw))
	}
	return path, nil
}

func included(index, size uint64, data []byte, texts []string, root [32]byte) error {
	path, err := decodePath(texts)
	if err != nil {
		return err
	}
	found, err := rootOf(index, size, leafHash(data), path)
	if err == nil && found != root {
		err = errors.New("the path leads to another root")
	}
	return err
}
