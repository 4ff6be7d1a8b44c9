package main

import (
	"encoding/base64"
	"errors"
	"maps"
	"strings"
)

type registration struct {
	Event     map[string]any
	Statement string
}

// statement returns what the founding key signs: the event without its signature.
func statement(event map[string]any) string {
	unsigned := maps.Clone(event)
	delete(unsigned, "signature")
	return "testamur/registration/1\n" + jcs(unsigned)
}

// verifyRegistration wants a signature by the key that the organization's DID spells.
func verifyRegistration(event map[string]any) error {
	did, _ := event["organization"].(string)
	text, _ := event["signature"].(string)
	founding, found := strings.CutPrefix(did, "did:key:")
	if !found {
		return errors.New("not a did:key")
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return err
	}
	return verify(founding, []byte(statement(event)), signature)
}

func checkRegistration(found registration) {
	want("the statement of a registration", statement(found.Event) == found.Statement)
	want("a registration", verifyRegistration(found.Event) == nil)
}

// checkRegistrations runs formats/registration.json: good as it is, and not after any change.
func checkRegistrations(raw []byte) {
	var found struct {
		registration
		Refused []struct {
			Desc, Member string
			Value        any
		}
	}
	decode(raw, &found)
	checkRegistration(found.registration)
	want("registrations", len(found.Refused) > 0)
	for _, each := range found.Refused {
		changed := maps.Clone(found.Event)
		changed[each.Member] = each.Value
		if each.Value == nil {
			delete(changed, each.Member)
		}
		want(each.Desc, verifyRegistration(changed) != nil)
	}
}
