// Check verifies the golden vectors beside it with nothing but Go's standard library: the JWS
// of every submission, leaf hashes and roots, inclusion proofs, the signed checkpoint, the
// possession statements and the blinded commitment. It shares no code with what made them.
//
//	go run . <folder of the vectors>
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// --- RFC 6962 ---

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

// --- Keys and signatures ---

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

// --- Submissions ---

type header struct {
	Aud    string
	Events uint64
	Iat    int64
	Iss    string
	Jti    string
	Root   string
	alg    string
	kid    string
}

func (h header) root() [32]byte {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(h.Root)
	if err != nil || len(raw) != 32 {
		return [32]byte{}
	}
	return [32]byte(raw)
}

// parseJWS takes a compact JWS apart and verifies it with the key, unless that is "".
func parseJWS(jws, multikey string) (header, error) {
	var found header
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return found, errors.New("not a compact JWS")
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return found, err
		}
	}
	var protected struct{ Alg, Kid, Typ string }
	if err := json.Unmarshal(raw[0], &protected); err != nil {
		return found, err
	}
	if err := json.Unmarshal(raw[1], &found); err != nil {
		return found, err
	}
	found.alg, found.kid = protected.Alg, protected.Kid
	if !strings.HasPrefix(found.kid, found.Iss+"#") || protected.Typ != "testamur-submission+jws" {
		return found, errors.New("kid or typ")
	}
	if multikey == "" {
		return found, nil
	}
	wants := map[string]string{"Ed25519": "z6Mk", "EdDSA": "z6Mk", "ES256": "zDn"}[found.alg]
	if wants == "" || !strings.HasPrefix(multikey, wants) {
		return found, errors.New("alg")
	}
	return found, verify(multikey, []byte(parts[0]+"."+parts[1]), raw[2])
}

type submission struct {
	Name, Signer, Submission, Root, Entry, Broken string
	Leaves                                        []string
	RecordedAt                                    int64
}

// verifyFile returns what is broken in a submission file: "", "signature", "root" or "form".
func verifyFile(text, signer string) string {
	if !strings.HasSuffix(text, "\n") {
		return "form"
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	found, err := parseJWS(lines[0], "")
	if err != nil {
		return "form"
	}
	if _, err := parseJWS(lines[0], signer); err != nil {
		return "signature"
	}
	var leaves [][32]byte
	for _, line := range lines[1:] {
		leaves = append(leaves, leafHash([]byte(line)))
	}
	if uint64(len(leaves)) != found.Events || treeRoot(leaves) != found.root() {
		return "root"
	}
	return ""
}

func checkSubmissions(found struct{ Cases, Refused []submission }) {
	for _, each := range found.Cases {
		lines := strings.Split(strings.TrimSuffix(each.Submission, "\n"), "\n")
		want(each.Name, verifyFile(each.Submission, each.Signer) == "")
		parsed, err := parseJWS(lines[0], each.Signer)
		root := parsed.root()
		want(each.Name+": root", err == nil && hex.EncodeToString(root[:]) == each.Root)
		want(each.Name+": leaves", len(each.Leaves) == len(lines)-1)
		for i, leaf := range each.Leaves {
			digest := leafHash([]byte(lines[1+i]))
			want(each.Name+": leaf", hex.EncodeToString(digest[:]) == leaf)
		}
		at := time.UnixMilli(each.RecordedAt).UTC().Format("2006-01-02T15:04:05.000Z")
		entry := fmt.Sprintf(`{"recordedAt":%q,"submission":%q}`, at, lines[0])
		want(each.Name+": entry", entry == each.Entry)
	}
	signer := found.Cases[1].Signer
	for _, each := range found.Refused {
		broken := verifyFile(each.Submission, signer)
		// The form of JSON is not this program's business; what is signed is.
		want(each.Name, broken == each.Broken || each.Broken == "form")
	}
}

// --- Checkpoints ---

type checkpoint struct {
	origin string
	size   uint64
	root   [32]byte
}

// openCheckpoint verifies a signed note by a vkey: name+hash+base64(type || key).
func openCheckpoint(note, vkey string) (checkpoint, error) {
	var found checkpoint
	fields := strings.SplitN(vkey, "+", 3)
	if len(fields) != 3 {
		return found, errors.New("not a vkey")
	}
	key, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || len(key) != 33 || key[0] != 1 {
		return found, errors.New("not an Ed25519 vkey")
	}
	id := sha256.Sum256(append([]byte(fields[0]+"\n"), key...))
	if fmt.Sprintf("%08x", binary.BigEndian.Uint32(id[:4])) != fields[1] {
		return found, errors.New("the key id is not the key's")
	}
	at := strings.LastIndex(note, "\n\n")
	if at < 0 {
		return found, errors.New("not a note")
	}
	text := note[:at+1]
	signed := false
	for _, line := range strings.Split(strings.TrimSuffix(note[at+2:], "\n"), "\n") {
		parts := strings.Split(line, " ")
		if len(parts) != 3 || parts[0] != "—" || parts[1] != fields[0] {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(blob) == 68 && bytes.Equal(blob[:4], id[:4]) {
			signed = ed25519.Verify(ed25519.PublicKey(key[1:]), []byte(text), blob[4:])
		}
	}
	if !signed {
		return found, errors.New("not signed by the log")
	}
	lines := strings.Split(text, "\n")
	if found.size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		return found, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != 32 || lines[0] != fields[0] {
		return found, errors.New("not a checkpoint of this log")
	}
	found.origin, found.root = lines[0], [32]byte(root)
	return found, nil
}

// --- A whole log ---

type entries struct {
	Vkey, Checkpoint string
	Keys             map[string]string
	Entries          []struct {
		Position    uint64
		Entry, Leaf string
		Inclusion   []string
	}
	Possessions []struct{ Key, Statement, Signature string }
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
		parsed, err := parseEntry(found.Entries[at].Entry, found.Keys)
		end := at + 1 + int(parsed.Events)
		want("header", err == nil && parsed.Aud == tree.origin && end <= len(leaves))
		want("events", treeRoot(leaves[at+1:end]) == parsed.root())
		at = end
	}
	for _, each := range found.Possessions {
		signature, err := base64.StdEncoding.DecodeString(each.Signature)
		want("possession", err == nil && strings.HasPrefix(each.Statement, "testamur/possession/1\n"))
		want("possession", verify(each.Key, []byte(each.Statement), signature) == nil)
	}
}

func parseEntry(entry string, keys map[string]string) (header, error) {
	var found struct{ RecordedAt, Submission string }
	if err := json.Unmarshal([]byte(entry), &found); err != nil {
		return header{}, err
	}
	parsed, err := parseJWS(found.Submission, "")
	if err != nil {
		return parsed, err
	}
	if keys[parsed.kid] == "" {
		return parsed, errors.New("an unknown key")
	}
	return parseJWS(found.Submission, keys[parsed.kid])
}

// --- Evidence ---

type evidence struct {
	Policy string
	Keys   map[string]string
	Holder struct {
		Blind, ID, Log string
		Credential     map[string]any
	}
	Evidence struct {
		Checkpoint, Credential string
		Submissions            []struct {
			Entry     string
			Position  uint64
			Inclusion []string
			Events    []struct {
				Line            string
				Number          uint64
				Path, Inclusion []string
			}
		}
	}
}

// judge returns the checks that fail.
func judge(found evidence) map[string]bool {
	failed := map[string]bool{}
	note := func(name string, err error) {
		if err != nil {
			failed[name] = true
		}
	}
	vkey := strings.Fields(strings.Split(found.Policy, "\n")[0])[1]
	tree, err := openCheckpoint(found.Evidence.Checkpoint, vkey)
	note("checkpoint", err)
	opened := false
	for _, each := range found.Evidence.Submissions {
		parsed, err := parseEntry(each.Entry, found.Keys)
		note("signature", err)
		note("inclusion", included(each.Position, tree.size, []byte(each.Entry), each.Inclusion, tree.root))
		for _, event := range each.Events {
			line := []byte(event.Line)
			note("submission", included(event.Number-1, parsed.Events, line, event.Path, parsed.root()))
			note("inclusion", included(each.Position+event.Number, tree.size, line, event.Inclusion, tree.root))
			var issued struct{ Type, Credential, Commitment string }
			if json.Unmarshal(line, &issued) == nil && issued.Type == "credential.issued/1" &&
				issued.Credential == found.Holder.ID {
				opened = commit(found.Holder.Credential, found.Holder.Blind) == issued.Commitment
			}
		}
	}
	if !opened {
		failed["commitment"] = true
	}
	return failed
}

func commit(credential map[string]any, blind64 string) string {
	claims := map[string]any{}
	for name, value := range credential {
		if name != "proof" {
			claims[name] = value
		}
	}
	blind, err := base64.StdEncoding.Strict().DecodeString(blind64)
	if err != nil {
		return ""
	}
	content := sha256.Sum256([]byte(jcs(claims)))
	digest := sha256.Sum256(append(append([]byte("testamur/credential/1\n"), blind...), content[:]...))
	return base64.StdEncoding.EncodeToString(digest[:])
}

// jcs is RFC 8785 for the values that the vectors hold: no fractions.
func jcs(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(value)
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			panic("a fraction")
		}
		return value.String()
	case string:
		return quoted(value)
	case []any:
		parts := make([]string, len(value))
		for i, each := range value {
			parts[i] = jcs(each)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		sort.Slice(names, func(i, j int) bool { return before(names[i], names[j]) })
		parts := make([]string, len(names))
		for i, name := range names {
			parts[i] = quoted(name) + ":" + jcs(value[name])
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	panic(fmt.Sprintf("%T is no JSON", value))
}

// before orders by UTF-16 code units (section 3.2.3).
func before(one, other string) bool {
	a, b := utf16.Encode([]rune(one)), utf16.Encode([]rune(other))
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

// quoted escapes what section 3.2.2.2 says, and nothing else.
func quoted(text string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	var out strings.Builder
	out.WriteByte('"')
	for _, char := range text {
		if escape, ok := short[char]; ok {
			out.WriteString(escape)
		} else if char < 0x20 {
			fmt.Fprintf(&out, `\u%04x`, char)
		} else {
			out.WriteRune(char)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func checkEvidence(raw []byte) {
	var good evidence
	decode(raw, &good)
	want("evidence", len(judge(good)) == 0)
	var document any
	decode(raw, &document)
	for _, change := range document.(map[string]any)["refuted"].([]any) {
		change := change.(map[string]any)
		var bent any
		decode(raw, &bent)
		put(bent, change["at"].([]any), change["value"])
		again, err := json.Marshal(bent)
		want("change", err == nil)
		var found evidence
		decode(again, &found)
		name := change["check"].(string)
		want(fmt.Sprintf("%s at %v", name, change["at"]), judge(found)[name])
	}
}

func put(found any, at []any, value any) {
	for i, step := range at {
		last := i == len(at)-1
		switch step := step.(type) {
		case string:
			if last {
				found.(map[string]any)[step] = value
			} else {
				found = found.(map[string]any)[step]
			}
		case json.Number:
			number, _ := step.Int64()
			if last {
				found.([]any)[number] = value
			} else {
				found = found.([]any)[number]
			}
		}
	}
}

// --- Running ---

var checks, wrong int

func want(what string, good bool) {
	checks++
	if !good {
		wrong++
		fmt.Fprintln(os.Stderr, "wrong:", what)
	}
}

func decode(raw []byte, found any) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(found); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func read(name string) []byte {
	raw, err := os.ReadFile(filepath.Join(os.Args[1], name))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return raw
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . <folder of the vectors>")
		os.Exit(2)
	}
	var submissions struct{ Cases, Refused []submission }
	decode(read("submission.json"), &submissions)
	checkSubmissions(submissions)
	var log entries
	decode(read("entries.json"), &log)
	checkEntries(log)
	checkEvidence(read("evidence.json"))
	fmt.Printf("%d checks, %d wrong\n", checks, wrong)
	if wrong > 0 || checks < 100 {
		os.Exit(1)
	}
}
