package main

import (
	"encoding/hex"
)

// A whole log: its checkpoint, its entries with their proofs, and the registrations in it.

type entries struct {
	Vkey, Checkpoint string
	Entries          []struct {
		Position    uint64
		Entry, Leaf string
		Inclusion   []string
	}
	Registrations []registration
}

func checkEntries(found entries) {
	tree, err := openCheckpoint(found.Checkpoint, found.Vkey)
	want("checkpoint", err == nil && tree.size == uint64(len(found.Entries)))
	var leaves [][32]byte
	for i, each := range found.Entries {
		leaf := leafHash([]byte(each.Entry))
		leaves = append(leaves, leaf)
		want("leaf", hex.EncodeToString(leaf[:]) == each.Leaf && each.Position == uint64(i))
		err := included(each.Position, tree.size, []byte(each.Entry), each.Inclusion, tree.root)
		want("inclusion", err == nil)
	}
	want("root", treeRoot(leaves) == tree.root)
	// Header, events, header, events, to the very end.
	for at := 0; at < len(leaves); {
		parsed, err := parseEntry([]byte(found.Entries[at].Entry))
		want("signature", err == nil && parsed.verify() == nil)
		end := at + 1 + int(parsed.Events)
		want("header", err == nil && parsed.Aud == tree.origin && end <= len(leaves))
		want("events", treeRoot(leaves[at+1:end]) == parsed.root())
		at = end
	}
	for _, each := range found.Registrations {
		checkRegistration(each)
	}
}
