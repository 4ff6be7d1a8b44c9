package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// header is what line 1 of a submission says.
type header struct {
	Aud    string
	Events uint64
	Iat    int64
	Iss    string
	Jti    string
	Root   string
	alg    string
	kid    string
	signed string
	raw    []byte
	// recordedAt is the register's, of a submission entry.
	recordedAt time.Time
}

func (h header) root() [32]byte {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(h.Root)
	if err != nil || len(raw) != 32 {
		return [32]byte{}
	}
	return [32]byte(raw)
}

var (
	did = regexp.MustCompile(`^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$`)
	kid = regexp.MustCompile(`^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}#z[1-9A-HJ-NP-Za-km-z]{40,64}$`)
	jti = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

// parseHeader takes the compact JWS of a submission apart, and refuses every spelling but the one.
func parseHeader(jws string) (header, error) {
	return parseJWS(jws, "testamur-submission+jws")
}

// parseJWS does so for line 1 of a typ; that of a dry run has no jti.
func parseJWS(jws, typ string) (header, error) {
	var found header
	parts := strings.Split(jws, ".")
	if len(jws) > 4096 || len(parts) != 3 {
		return found, errors.New("not a compact JWS")
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		// Go's decoder skips line feeds.
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return found, errors.New("not base64url")
		}
	}
	var protected struct{ Alg, Kid, Typ string }
	if err := json.Unmarshal(raw[0], &protected); err != nil {
		return found, err
	}
	if err := json.Unmarshal(raw[1], &found); err != nil {
		return found, err
	}
	found.alg, found.kid, found.raw = protected.Alg, protected.Kid, raw[2]
	found.signed = parts[0] + "." + parts[1]
	// Every member that is known, in its order; so nothing else can have been there.
	again := fmt.Sprintf(`{"alg":%s,"kid":%s,"typ":%s}`, quoted(found.alg), quoted(found.kid), quoted(typ))
	if again != string(raw[0]) {
		return found, errors.New("the protected header is not canonical")
	}
	named := `"jti":` + quoted(found.Jti) + ","
	if typ == dryRun {
		named = ""
	}
	again = fmt.Sprintf(`{"aud":%s,"events":%d,"iat":%d,"iss":%s,%s"root":%s}`, quoted(found.Aud),
		found.Events, found.Iat, quoted(found.Iss), named, quoted(found.Root))
	if again != string(raw[1]) {
		return found, errors.New("the payload is not canonical")
	}
	switch {
	case curves[found.alg] == "" || !kid.MatchString(found.kid):
		return found, errors.New("alg or kid")
	case !did.MatchString(found.Iss) || !strings.HasPrefix(found.kid, found.Iss+"#"):
		return found, errors.New("a key of another organization")
	case found.Aud == "" || utf8.RuneCountInString(found.Aud) > 255 || named != "" && !jti.MatchString(found.Jti):
		return found, errors.New("aud or jti")
	case found.Events < 1 || found.Events > 100000 || found.Iat < 0 || found.Iat > 253402300799:
		return found, errors.New("events or iat")
	case found.root() == [32]byte{} || len(found.raw) != 64:
		return found, errors.New("root or signature")
	}
	return found, nil
}

const dryRun = "testamur-check+jws"

type dryRuns struct {
	DryRuns []string
	Refused []struct{ Desc, DryRun string }
}

// curves holds the beginning of the Multikeys that an algorithm goes with.
var curves = map[string]string{"Ed25519": "z6Mk", "EdDSA": "z6Mk", "ES256": "zDn"}

// verify wants a signature by the key that kid names, which is the Multikey after the DID.
func (h header) verify() error {
	_, multikey, _ := strings.Cut(h.kid, "#")
	if !strings.HasPrefix(multikey, curves[h.alg]) {
		return errors.New("alg of another curve")
	}
	return verify(multikey, []byte(h.signed), h.raw)
}

type submission struct {
	Desc, Name, Submission, SubmissionBase64, Root, Entry, EntryBase64, Broken, Rule string
	Leaves                                                                           []string
	RecordedAt                                                                       int64
}

func bytesOf(text, encoded string) []byte {
	if encoded == "" {
		return []byte(text)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	want("base64", err == nil)
	return raw
}

// verifyFile returns what is broken in a submission file: "", "signature", "root" or "form".
// Whether an event is one of the catalogue is not this program's business.
func verifyFile(body []byte) string {
	return verifyTyp(body, "testamur-submission+jws")
}

func verifyTyp(body []byte, typ string) string {
	if !bytes.HasSuffix(body, []byte("\n")) {
		return "form"
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	found, err := parseJWS(lines[0], typ)
	if err != nil {
		return "form"
	}
	if found.verify() != nil {
		return "signature"
	}
	var leaves [][32]byte
	for _, line := range lines[1:] {
		leaves = append(leaves, leafHash([]byte(line)))
	}
	if uint64(len(leaves)) != found.Events || treeRoot(leaves) != found.root() {
		return "root"
	}
	for _, line := range lines[1:] {
		if !canonical([]byte(line)) {
			return "form"
		}
	}
	return ""
}

// checkDryRuns wants each dry run to hold as one, and never as a submission.
func checkDryRuns(found dryRuns) {
	want("dry runs", len(found.DryRuns) > 0 && len(found.Refused) > 0)
	for _, each := range found.DryRuns {
		want("a dry run", verifyTyp([]byte(each), dryRun) == "")
		want("a dry run that is submitted", verifyFile([]byte(each)) == "form")
	}
	for _, each := range found.Refused {
		want(each.Desc, verifyTyp([]byte(each.DryRun), dryRun) != "")
	}
}

func canonical(line []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var found any
	return utf8.Valid(line) && decoder.Decode(&found) == nil && jcs(found) == string(line)
}

// parseEntry reads a submission entry: the register's time, and the header.
func parseEntry(entry []byte) (header, error) {
	var found struct{ RecordedAt, Submission string }
	if err := json.Unmarshal(entry, &found); err != nil {
		return header{}, err
	}
	const form = "2006-01-02T15:04:05.000Z"
	at, err := time.Parse(form, found.RecordedAt)
	if err != nil || at.Format(form) != found.RecordedAt || at.Year() < 1970 {
		return header{}, errors.New("not a time")
	}
	again := fmt.Sprintf(`{"recordedAt":%q,"submission":%s}`, found.RecordedAt, quoted(found.Submission))
	if again != string(entry) {
		return header{}, errors.New("not canonical")
	}
	parsed, err := parseHeader(found.Submission)
	parsed.recordedAt = at
	return parsed, err
}

func checkGolden(found struct{ Cases, Refused []submission }) {
	for _, each := range found.Cases {
		lines := strings.Split(strings.TrimSuffix(each.Submission, "\n"), "\n")
		want(each.Name, verifyFile([]byte(each.Submission)) == "")
		parsed, err := parseHeader(lines[0])
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
	for _, each := range found.Refused {
		broken := verifyFile([]byte(each.Submission))
		want(each.Name, broken == each.Broken || broken != "" && each.Broken == "form")
	}
}

// checkRefused wants every case of a file in submission/ to be refused, and for the right part.
func checkRefused(found struct{ Refused []submission }) {
	want("cases", len(found.Refused) > 0)
	for _, each := range found.Refused {
		if each.Entry != "" || each.EntryBase64 != "" {
			_, err := parseEntry(bytesOf(each.Entry, each.EntryBase64))
			want(each.Desc, err != nil)
			continue
		}
		broken := verifyFile(bytesOf(each.Submission, each.SubmissionBase64))
		switch each.Rule {
		case "root", "event-count":
			want(each.Desc, broken == "root" || broken == "form")
		case "signature", "key-algorithm", "key-form":
			want(each.Desc, broken == "signature")
		default:
			want(each.Desc, broken != "")
		}
	}
}
