package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// What counts, folded from the founding key down: when a key is reached, all that counts about
// it is known.

type life struct {
	Desc       string
	Registered struct {
		Organization              string
		Position                  int
		RecoveryKeys, SigningKeys []string
	}
	Submissions []*signedAt
	Counts      []struct {
		AsOf          int
		Counting, Not []int
	}
}

type signedAt struct {
	Position   int
	Key        string
	RecordedAt time.Time
	Events     []keyEvent
}

type keyEvent struct {
	Type, Key, As string
	Since         *int
	Kept          [][2]int
}

func (s *signedAt) end() int { return s.Position + 1 + len(s.Events) }

const (
	ninetyDays = 90 * 24 * time.Hour
	later      = 1 << 16 // the ranks behind those of the registration
	signing    = math.MaxInt
)

type word struct {
	since int
	kept  [][2]int
	first time.Time
}

// keyState is a key that was listed; whether the listing counts is known once its lister was heard.
type keyState struct {
	rank, listed, retired int
	stands                bool
	words                 map[string]word
}

func (k *keyState) counts(s *signedAt) bool {
	if k == nil || !k.stands || s.Position <= k.listed || s.Position > k.retired {
		return false
	}
	for _, cut := range k.words {
		kept := slices.ContainsFunc(cut.kept, func(each [2]int) bool {
			return each[0] <= s.Position && s.Position <= each[1]
		})
		if s.Position >= cut.since && !s.RecordedAt.Before(cut.first.Add(-ninetyDays)) && !kept {
			return false
		}
	}
	return true
}

// keysAsOf returns the keys by the submissions of key events that lie wholly before a size.
func keysAsOf(found life, size int) map[string]*keyState {
	keys := map[string]*keyState{}
	enter := func(key string, rank, at int, stands bool) {
		if keys[key] == nil {
			keys[key] = &keyState{rank, at, math.MaxInt, stands, map[string]word{}}
		}
	}
	at := found.Registered.Position
	founding := strings.TrimPrefix(found.Registered.Organization, "did:key:")
	for rank, key := range append([]string{founding}, found.Registered.RecoveryKeys...) {
		enter(key, rank, at, true)
	}
	for _, key := range found.Registered.SigningKeys {
		enter(key, signing, at, true)
	}
	for _, each := range found.Submissions {
		for i, event := range each.Events {
			signer, at := keys[each.Key], each.Position+1+i
			switch {
			case each.end() > size || event.Type != "key.listed/1" || signer == nil:
			case signer.rank == 0 && event.As == "recovery":
				enter(event.Key, later+at, at, false) // in order of listing
			case signer.rank < signing && event.As == "signing":
				enter(event.Key, signing, at, false)
			}
		}
	}
	heard := map[string]bool{}
	for next := founding; next != ""; next = highest(keys, heard) {
		heard[next] = true
		for _, each := range found.Submissions {
			if each.Key != next || each.Events == nil || each.end() > size || !keys[next].counts(each) {
				continue
			}
			for i, event := range each.Events {
				hear(keys, each, event, each.Position+1+i)
			}
		}
	}
	return keys
}

// highest returns the key of the highest rank that was not heard yet.
func highest(keys map[string]*keyState, heard map[string]bool) string {
	var waiting []string
	for key := range keys {
		if !heard[key] {
			waiting = append(waiting, key)
		}
	}
	sort.Slice(waiting, func(i, j int) bool { return keys[waiting[i]].rank < keys[waiting[j]].rank })
	if len(waiting) == 0 {
		return ""
	}
	return waiting[0]
}

func hear(keys map[string]*keyState, within *signedAt, event keyEvent, at int) {
	signer, about, own := keys[within.Key], keys[event.Key], event.Key == within.Key
	if about == nil {
		return
	}
	if event.Type == "key.listed/1" {
		about.stands = about.stands || about.listed == at
		return
	}
	if !own && signer.rank >= about.rank {
		return
	}
	if event.Type == "key.retired/1" {
		about.retired = min(about.retired, at)
		return
	}
	before, there := about.words[within.Key]
	if !there {
		before.first = within.RecordedAt
	}
	if within.RecordedAt.After(before.first.Add(ninetyDays)) {
		return
	}
	said := word{within.end(), nil, before.first}
	if !own && event.Since != nil {
		said.since, said.kept = *event.Since, event.Kept
	}
	about.words[within.Key] = said
}

func checkCounting(name string) {
	var found struct{ Cases []life }
	// These have no numbers but positions.
	want(name, json.Unmarshal(read(name), &found) == nil && len(found.Cases) > 0)
	for _, each := range found.Cases {
		for _, asked := range each.Counts {
			keys := keysAsOf(each, asked.AsOf)
			var counting, not []int
			for _, s := range each.Submissions {
				if !slices.Contains(asked.Counting, s.Position) && !slices.Contains(asked.Not, s.Position) {
					continue
				}
				if keys[s.Key].counts(s) {
					counting = append(counting, s.Position)
				} else {
					not = append(not, s.Position)
				}
			}
			what := fmt.Sprintf("%s: %s, as of %d: %v count", name, each.Desc, asked.AsOf, counting)
			want(what, slices.Equal(counting, asked.Counting) && slices.Equal(not, asked.Not))
		}
	}
}
