package main

import (
	"encoding/json"
	"strings"
)

// What an excerpt says: the organizations in it, and what was said of credentials.

type excerpt struct {
	lives  map[string]*life // by DID
	said   []said
	signed bool // each header by the key in its kid, each registration by its founding key
	unread bool // a header was none
}

type said struct {
	who        string
	within     signedAt
	at         uint64
	typ        string
	credential string
	commitment string
}

// hear takes one event of a submission.
func (e *excerpt) hear(within header, position, number uint64, line string) {
	var event struct {
		Type, Credential, Commitment string
		Authorities                  []map[string]any
		keyEvent
	}
	var whole map[string]any
	if json.Unmarshal([]byte(line), &whole) != nil || json.Unmarshal([]byte(line), &event) != nil {
		e.signed = false
		return
	}
	_, key, _ := strings.Cut(within.kid, "#")
	signed := signedAt{int(position), key, within.recordedAt, nil}
	switch {
	case event.Type == "log.opened/1":
		for _, each := range event.Authorities {
			e.register(each, int(position))
		}
	case event.Type == "organization.registered/1":
		e.register(whole, int(position))
	case strings.HasPrefix(event.Type, "key."):
		event.keyEvent.Type = event.Type
		e.tell(within.Iss, signed, event.keyEvent)
	default:
		e.said = append(e.said, said{within.Iss, signed, position + number, event.Type, event.Credential, event.Commitment})
	}
}

func (e *excerpt) register(event map[string]any, position int) {
	e.signed = e.signed && verifyRegistration(event) == nil
	did, _ := event["organization"].(string)
	if e.lives[did] != nil {
		return
	}
	found := &life{}
	found.Registered.Organization, found.Registered.Position = did, position
	found.Registered.RecoveryKeys = texts(event["recoveryKeys"])
	found.Registered.SigningKeys = texts(event["signingKeys"])
	e.lives[did] = found
}

func texts(list any) []string {
	var found []string
	members, _ := list.([]any)
	for _, each := range members {
		text, _ := each.(string)
		found = append(found, text)
	}
	return found
}

func (e *excerpt) tell(did string, signed signedAt, event keyEvent) {
	found := e.lives[did]
	if found == nil {
		return
	}
	last := len(found.Submissions) - 1
	if last < 0 || found.Submissions[last].Position != signed.Position {
		found.Submissions = append(found.Submissions, &signed)
		last++
	}
	found.Submissions[last].Events = append(found.Submissions[last].Events, event)
}

// counts returns whether an event counts, and whether its key is shown to be listed at all.
func (e *excerpt) counts(each said) (counts, listed bool) {
	found := e.lives[each.who]
	if found == nil {
		return false, false
	}
	key := keysAsOf(*found, 1<<53)[each.within.Key]
	return key.counts(&each.within), key != nil
}

// verdicts returns those of signature and status, and the commitment of the issuance.
func (e *excerpt) verdicts(credential string) (signature, status, commitment string) {
	signature, status = unchecked, unchecked
	owner, began, ended := "", false, false
	for _, each := range e.said {
		if each.credential != credential {
			continue
		}
		counts, listed := e.counts(each)
		if owner == "" && each.typ == "credential.issued/1" {
			owner, commitment = each.who, each.commitment
			if listed {
				signature = refuted
			}
		}
		if !counts || owner == "" {
			continue
		}
		if each.who != owner {
			return signature, unchecked, commitment
		}
		switch each.typ {
		case "credential.issued/1":
			if !began {
				began, signature, status = true, holds, holds
			}
		case "credential.revoked/1", "credential.superseded/1":
			ended = true // for good, also while nothing is issued
		case "credential.suspended/1":
			status = after(began, status, refuted)
		case "credential.reinstated/1":
			status = after(began, status, holds)
		}
	}
	if began && ended {
		status = refuted
	}
	if !e.signed {
		signature = refuted
	}
	return signature, status, commitment
}

func after(began bool, before, status string) string {
	if began {
		return status
	}
	return before
}
