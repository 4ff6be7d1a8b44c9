package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// document is a vector: what a verifier is handed, and the verdicts due.
type document struct {
	Desc, Policy string
	Expected     map[string]string
	Holder       struct {
		Blind, ID, Log string
		Credential     map[string]any
	}
	Evidence struct {
		Checkpoint, Credential string
		Size                   *uint64
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

const (
	holds     = "holds"
	refuted   = "refuted"
	unchecked = "could not check"
)

func verdict(err error) string {
	if errors.Is(err, errUnknownKey) {
		return unchecked
	}
	if err != nil {
		return refuted
	}
	return holds
}

// judge returns the verdicts of the checks that take no rules of admission: those of hashes and
// signatures, of what counts, and of what the lines shown say of this credential. Successors are
// not understood here: then there is no status.
func judge(found document) map[string]string {
	tree, err := openByPolicy(found.Evidence.Checkpoint, found.Policy)
	made := map[string]string{"checkpoint": verdict(err), "submission": holds}
	if err == nil && found.Holder.Log != "" && found.Holder.Log != tree.origin {
		made["checkpoint"] = unchecked
	}
	made["inclusion"] = unchecked // it rests on the checkpoint
	if made["checkpoint"] == holds {
		made["inclusion"] = inclusion(found, tree)
	}
	told := excerpt{lives: map[string]*life{}, signed: true}
	for _, each := range found.Evidence.Submissions {
		parsed, err := parseEntry([]byte(each.Entry))
		if err != nil {
			made["submission"], told.unread = refuted, true
			continue
		}
		for _, event := range each.Events {
			if included(event.Number-1, parsed.Events, []byte(event.Line), event.Path, parsed.root()) != nil {
				made["submission"] = refuted
			}
			told.hear(parsed, each.Position, event.Number, event.Line)
		}
		told.signed = told.signed && parsed.verify() == nil
	}
	made["signature"], made["status"], made["commitment"] = told.verdicts(found.Holder.ID)
	if told.unread {
		made["signature"] = unchecked
	}
	if commit(found.Holder.Credential, found.Holder.Blind) == made["commitment"] {
		made["commitment"] = holds
	} else {
		made["commitment"] = refuted
	}
	return made
}

func inclusion(found document, tree checkpoint) string {
	size := tree.size
	if found.Evidence.Size != nil {
		size = *found.Evidence.Size
	}
	if size > tree.size {
		return refuted
	}
	for _, each := range found.Evidence.Submissions {
		parsed, err := parseEntry([]byte(each.Entry))
		if err != nil || each.Position+parsed.Events >= size {
			return refuted
		}
		if included(each.Position, tree.size, []byte(each.Entry), each.Inclusion, tree.root) != nil {
			return refuted
		}
		for _, event := range each.Events {
			if included(each.Position+event.Number, tree.size, []byte(event.Line), event.Inclusion, tree.root) != nil {
				return refuted
			}
		}
	}
	return holds
}

// checkVector wants the verdicts that are due, as far as this program makes the checks.
func checkVector(found document) {
	made := judge(found)
	for _, name := range []string{"checkpoint", "inclusion", "submission"} {
		want(fmt.Sprintf("%s: %s is %s", found.Desc, name, made[name]), made[name] == found.Expected[name])
	}
	for _, name := range []string{"commitment", "status"} {
		if due := found.Expected[name]; due != unchecked && made[name] != unchecked {
			want(fmt.Sprintf("%s: %s is %s", found.Desc, name, made[name]), made[name] == due)
		}
	}
	// It knows fewer reasons to refute the signature than there are.
	due := found.Expected["signature"]
	want(fmt.Sprintf("%s: signature is %s", found.Desc, made["signature"]),
		made["signature"] == due || made["signature"] == unchecked || due != holds && made["signature"] == holds)
}

// checkChanges runs evidence.json: good as it is, and refuted after each change to one place.
func checkChanges(raw []byte) {
	var good document
	decode(raw, &good)
	for name, verdict := range judge(good) {
		want("evidence.json: "+name, verdict == holds)
	}
	var whole any
	decode(raw, &whole)
	for _, change := range whole.(map[string]any)["refuted"].([]any) {
		change := change.(map[string]any)
		var bent any
		decode(raw, &bent)
		put(bent, change["at"].([]any), change["value"])
		again, err := json.Marshal(bent)
		want("change", err == nil)
		var found document
		decode(again, &found)
		name := change["check"].(string)
		want(fmt.Sprintf("%s at %v", name, change["at"]), judge(found)[name] == refuted)
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
