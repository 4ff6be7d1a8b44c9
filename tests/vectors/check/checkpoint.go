package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

type checkpoint struct {
	origin string
	size   uint64
	root   [32]byte
}

// verifier is a vkey: name+hash+base64(type || key).
type verifier struct {
	name string
	kind byte
	key  ed25519.PublicKey
	id   [4]byte
}

func parseVerifier(vkey string) (verifier, error) {
	fields := strings.SplitN(vkey, "+", 3)
	if len(fields) != 3 {
		return verifier{}, errors.New("not a vkey")
	}
	key, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || len(key) != 33 || key[0] != 1 && key[0] != 4 {
		return verifier{}, errors.New("not an Ed25519 vkey")
	}
	id := sha256.Sum256(append([]byte(fields[0]+"\n"), key...))
	if fmt.Sprintf("%08x", binary.BigEndian.Uint32(id[:4])) != fields[1] {
		return verifier{}, errors.New("the key id is not the key's")
	}
	return verifier{fields[0], key[0], key[1:], [4]byte(id[:4])}, nil
}

var errUnknownKey = errors.New("signed for a known log by keys that are not known")

// signerIDs returns the key ids on the signature lines of that name.
func signerIDs(name, signatures string) [][4]byte {
	var found [][4]byte
	for _, line := range strings.Split(signatures, "\n") {
		parts := strings.Split(line, " ")
		if len(parts) != 3 || parts[0] != "—" || parts[1] != name {
			continue
		}
		if blob, err := base64.StdEncoding.DecodeString(parts[2]); err == nil && len(blob) > 4 {
			found = append(found, [4]byte(blob[:4]))
		}
	}
	return found
}

// signed returns whether the note has a good signature by the key, a cosignature for type 4.
func (v verifier) signed(text, signatures string) bool {
	for _, line := range strings.Split(strings.TrimSuffix(signatures, "\n"), "\n") {
		parts := strings.Split(line, " ")
		if len(parts) != 3 || parts[0] != "—" || parts[1] != v.name {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil || len(blob) < 4 || [4]byte(blob[:4]) != v.id {
			continue
		}
		message, signature := text, blob[4:]
		if v.kind == 4 && len(signature) == 72 {
			at := binary.BigEndian.Uint64(signature)
			message, signature = fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text), signature[8:]
		}
		if len(signature) == 64 && ed25519.Verify(v.key, []byte(message), signature) {
			return true
		}
	}
	return false
}

// openCheckpoint verifies a signed note by the vkeys of logs, of which its origin must be one.
func openCheckpoint(note string, logs ...string) (checkpoint, error) {
	var found checkpoint
	at := strings.LastIndex(note, "\n\n")
	if at < 0 {
		return found, errors.New("not a note")
	}
	text := note[:at+1]
	lines := strings.Split(text, "\n")
	good, known := false, map[[4]byte]bool{}
	for _, log := range logs {
		key, err := parseVerifier(log)
		if err != nil {
			return found, err
		}
		if key.name == lines[0] {
			known[key.id] = true
		}
		good = good || key.name == lines[0] && key.signed(text, note[at+2:])
	}
	if !good {
		// A log of the policy may have changed its key: that refutes nothing.
		unknown := len(known) > 0 && len(signerIDs(lines[0], note[at+2:])) > 0
		for _, id := range signerIDs(lines[0], note[at+2:]) {
			unknown = unknown && !known[id]
		}
		if unknown {
			return found, errUnknownKey
		}
		return found, errors.New("not signed by the log")
	}
	var err error
	if found.size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		return found, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != 32 {
		return found, errors.New("not a checkpoint")
	}
	found.origin, found.root = lines[0], [32]byte(root)
	return found, nil
}

// openByPolicy verifies a checkpoint by a c2sp.org/tlog-policy: its log, and its quorum.
func openByPolicy(note, policy string) (checkpoint, error) {
	var logs []string
	text, signatures, _ := strings.Cut(note, "\n\n")
	met := map[string]bool{"none": true}
	for _, line := range strings.Split(policy, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case words[0] == "log":
			logs = append(logs, words[1])
		case words[0] == "witness":
			key, err := parseVerifier(words[2])
			met[words[1]] = err == nil && key.signed(text+"\n", signatures)
		case words[0] == "group":
			met[words[1]] = reached(words[2], words[3:], met)
		case words[0] == "quorum" && !met[words[1]]:
			return checkpoint{}, errors.New("the quorum was missed")
		}
	}
	return openCheckpoint(note, logs...)
}

func reached(threshold string, members []string, met map[string]bool) bool {
	count := 0
	for _, member := range members {
		if met[member] {
			count++
		}
	}
	switch threshold {
	case "all":
		return count == len(members)
	case "any":
		return count > 0
	}
	needed, err := strconv.Atoi(threshold)
	return err == nil && count >= needed
}
