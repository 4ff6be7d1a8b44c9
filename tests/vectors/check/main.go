// Check verifies the vectors beside it with nothing but Go's standard library: the JWS of every
// submission, leaf hashes and roots, inclusion proofs, signed checkpoints and their quorums,
// registrations, what counts, the blinded commitment, and the status that the lines shown tell. It
// shares no code with what made them, and knows no rules of admission.
//
//	go run . <folder of the vectors>
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

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
	var golden struct{ Cases, Refused []submission }
	decode(read("submission.json"), &golden)
	checkGolden(golden)
	var log entries
	decode(read("entries.json"), &log)
	checkEntries(log)
	checkRegistrations(read("formats/registration.json"))
	checkChanges(read("evidence.json"))
	for _, name := range files("submission") {
		var found struct{ Refused []submission }
		decode(read(name), &found)
		checkRefused(found)
	}
	var rehearsed dryRuns
	decode(read("formats/dry-run.json"), &rehearsed)
	checkDryRuns(rehearsed)
	for _, name := range files("counting") {
		checkCounting(name)
	}
	for _, name := range files("evidence") {
		var found document
		decode(read(name), &found)
		checkVector(found)
	}
	fmt.Printf("%d checks, %d wrong\n", checks, wrong)
	if wrong > 0 || checks < 900 {
		os.Exit(1)
	}
}

// files returns the names of the vectors in a folder, from the folder of them all.
func files(folder string) []string {
	found, err := filepath.Glob(filepath.Join(os.Args[1], folder, "*.json"))
	if err != nil || len(found) == 0 {
		fmt.Fprintln(os.Stderr, "no vectors in", folder)
		os.Exit(2)
	}
	for i, name := range found {
		found[i] = filepath.Join(folder, filepath.Base(name))
	}
	return found
}
