package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
)

// spellings are the ways in which software writes a secret, each long enough to be told from chance.
func spellings(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string can always be written
	all := []string{
		secret, url.QueryEscape(secret), strings.ToLower(url.QueryEscape(secret)), url.PathEscape(secret), html.EscapeString(secret),
		url.QueryEscape(url.QueryEscape(secret)), string(quoted[1 : len(quoted)-1]), hex.EncodeToString([]byte(secret)),
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // where it stands within what was encoded
			// What shares a character with its neighbours is left out.
			text := e.EncodeToString(append(make([]byte, before), secret...))
			all = append(all, text[(before*8+5)/6:len(text)-1])
		}
	}
	return all
}

// A search finds many words in one pass.
type search struct {
	// by their first characters, of which there are as many as in the shortest word.
	words map[string][]word
}

type word struct{ text, name string }

func newSearch(secrets map[string]string) *search {
	s := &search{map[string][]word{}}
	for secret, name := range secrets {
		for _, text := range spellings(secret) {
			if len(text) >= shortest {
				s.words[text[:shortest]] = append(s.words[text[:shortest]], word{text, name})
			}
		}
	}
	return s
}

// in returns the names of the words that stand in a text.
func (s *search) in(text string) []string {
	var found []string
	for i := 0; i+shortest <= len(text); i++ {
		for _, w := range s.words[text[i:i+shortest]] {
			if strings.HasPrefix(text[i:], w.text) {
				found = append(found, w.name)
			}
		}
	}
	return found
}

// The search finds what it is to find.
func TestSearch(t *testing.T) {
	t.Parallel()
	const secret = "s3cret/canary+é=&<x>"
	s := newSearch(map[string]string{secret: "it"})
	inJSON, err := json.Marshal(map[string]string{"a": secret})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain": "x" + secret + "y", "query": "q=" + url.QueryEscape(secret), "twice": url.QueryEscape(url.QueryEscape(secret)),
		"json": string(inJSON), "html": html.EscapeString(secret), "hex": hex.EncodeToString([]byte(secret)),
		"base64": base64.StdEncoding.EncodeToString([]byte("alice:" + secret)), "base64 behind one": base64.StdEncoding.EncodeToString([]byte("a" + secret + "z")),
		"base64 behind two": base64.RawURLEncoding.EncodeToString([]byte("ab" + secret)),
	} {
		if len(s.in(text)) == 0 {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
	if found := s.in(strings.Repeat("nothing secret ", 100)); len(found) > 0 {
		t.Errorf("found %v in what has nothing", found)
	}
}
