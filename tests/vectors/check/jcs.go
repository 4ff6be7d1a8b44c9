package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
)

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
