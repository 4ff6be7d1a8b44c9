package main

import (
	"encoding/json"
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
	if err != nil {
		return refuted
	}
	return holds
}

// judge returns the verdicts of the checks that take no register: those of hashes and
// signatures, and of what the lines shown say of this credential. The signature is good here
// if each submission was signed by a key that a line before it lists for its issuer.
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
	keys := map[string]string{}
	status, committed, signed := holds, "", true
	for _, each := range found.Evidence.Submissions {
		parsed, err := parseEntry([]byte(each.Entry))
		if err != nil {
			made["submission"], signed = refuted, false
			continue
		}
		lines := make([]string, len(each.Events))
		for i, event := range each.Events {
			lines[i] = event.Line
			if included(event.Number-1, parsed.Events, []byte(event.Line), event.Path, parsed.root()) != nil {
				made["submission"] = refuted
			}
		}
		if each.Position == 0 {
			// The log's own key, which opens it under its did:key.
			keys[parsed.kid] = parsed.kid[len(parsed.Iss)+1:]
		}
		signed = signed && keys[parsed.kid] != "" && parsed.verify(keys[parsed.kid]) == nil
		for _, line := range lines {
			list(line, keys)
			status, committed = follow(line, found.Holder.ID, status, committed)
		}
	}
	if found.Evidence.Size != nil && err == nil && *found.Evidence.Size > tree.size {
		status = refuted
	}
	made["signature"], made["status"], made["commitment"] = unchecked, status, refuted
	if signed {
		made["signature"] = holds
	}
	if commit(found.Holder.Credential, found.Holder.Blind) == committed {
		made["commitment"] = holds
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

type listed struct{ ID, PublicKeyMultibase string }

// list notes the keys that an event lists, each under its name did#id.
func list(line string, keys map[string]string) {
	var event struct {
		Organization string
		Key          json.RawMessage
		Authorities  []struct {
			Organization string
			Keys         []listed
		}
	}
	if json.Unmarshal([]byte(line), &event) != nil {
		return
	}
	var one listed
	if json.Unmarshal(event.Key, &one) == nil && one.ID != "" {
		keys[event.Organization+"#"+one.ID] = one.PublicKeyMultibase
	}
	for _, each := range event.Authorities {
		for _, key := range each.Keys {
			keys[each.Organization+"#"+key.ID] = key.PublicKeyMultibase
		}
	}
}

// follow returns the status and the commitment of a credential after one more event. The first
// issuance is the one.
func follow(line, id, status, committed string) (string, string) {
	var event struct{ Type, Credential, Commitment string }
	if json.Unmarshal([]byte(line), &event) != nil || event.Credential != id {
		return status, committed
	}
	switch event.Type {
	case "credential.issued/1":
		if committed == "" {
			committed = event.Commitment
		}
	case "credential.suspended/1", "credential.revoked/1", "credential.superseded/1":
		status = refuted
	case "credential.reinstated/1":
		status = holds
	}
	return status, committed
}

// checkVector wants the verdicts that are due, as far as this program makes the checks.
func checkVector(found document) {
	made := judge(found)
	for _, name := range []string{"checkpoint", "inclusion", "submission"} {
		want(fmt.Sprintf("%s: %s is %s", found.Desc, name, made[name]), made[name] == found.Expected[name])
	}
	if found.Expected["signature"] == holds {
		want(found.Desc+": signature", made["signature"] == holds)
	}
	for _, name := range []string{"commitment", "status"} {
		if due := found.Expected[name]; due != unchecked {
			want(fmt.Sprintf("%s: %s is %s", found.Desc, name, made[name]), made[name] == due)
		}
	}
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
