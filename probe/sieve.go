package probe

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
)

// shortest is the length below which a value stands in too many words to be struck out.
const shortest = 6

// A sieve strikes known values out of text in one pass, however they are written there: plain, escaped for URL, JSON or
// HTML, or in base64 at any alignment.
type sieve struct {
	spellings map[uint64][]spelling // by their first six bytes
	filter    []uint64              // a Bloom filter of the same
	bits      uint
	count     int
	values    map[string]bool
}

// A spelling is one way to write a value. A run goes on as long as base64 does: only its head is held.
type spelling struct {
	text, mark string
	run        bool
}

// add learns a value and what is to stand in its place.
func (s *sieve) add(value, mark string) {
	if len(value) < shortest || s.values[value] {
		return
	}
	if s.values == nil {
		s.values = map[string]bool{}
		s.spellings = map[uint64][]spelling{}
	}
	s.values[value] = true
	for _, w := range spellingsOf(value) {
		w.mark = mark
		s.insert(w)
	}
	if isJWT(value) { // its payload and its signature alone tell too much
		for _, part := range strings.Split(value, ".")[1:] {
			s.insert(spelling{text: part, mark: mark})
		}
	}
}

func (s *sieve) insert(w spelling) {
	if len(w.text) < shortest {
		return
	}
	k := key(w.text)
	for _, other := range s.spellings[k] {
		if other.text == w.text {
			return
		}
	}
	s.spellings[k] = append(s.spellings[k], w)
	if s.count++; s.count*16 > len(s.filter)*64 {
		s.grow()
	}
	s.set(k)
}

// grow keeps the filter at 16 bits or more for each spelling.
func (s *sieve) grow() {
	s.bits = max(10, s.bits+2)
	s.filter = make([]uint64, 1<<s.bits/64)
	for k := range s.spellings {
		s.set(k)
	}
}

func (s *sieve) set(k uint64) {
	i := k * golden >> (64 - s.bits)
	s.filter[i/64] |= 1 << (i % 64)
}

const golden = 0x9E3779B97F4A7C15

// key is the first six bytes of a text as a number.
func key(text string) (k uint64) {
	for i := range shortest {
		k = k<<8 | uint64(text[i])
	}
	return k
}

// strike replaces each known value by its mark. Values that overlap are struck as one.
func (s *sieve) strike(text string) string {
	if s == nil || s.count == 0 || len(text) < shortest {
		return text
	}
	var b strings.Builder
	var mark string
	told, from, to := 0, 0, 0 // what is written; the stretch to strike, when to > told
	k := key(text) >> 8
	for i := shortest - 1; i < len(text); i++ {
		k = (k<<8 | uint64(text[i])) & (1<<48 - 1)
		if h := k * golden >> (64 - s.bits); s.filter[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		at := i - shortest + 1
		end, m := s.match(text, at, k)
		if end <= to || end == at || inMark(text, at) {
			continue
		}
		if at >= to {
			if to > told {
				b.WriteString(text[told:from])
				b.WriteString(mark)
				told = to
			}
			from, mark = at, m
		}
		to = end
	}
	if to == told {
		return text
	}
	b.WriteString(text[told:from])
	b.WriteString(mark)
	b.WriteString(text[to:])
	return b.String()
}

// inMark reports whether text[at] is within what stands in a value's place already.
func inMark(text string, at int) bool {
	const longest = len("%5Bredacted+1234567890+0123456789ab%5D")
	from := max(0, at-longest)
	for _, m := range redacted.FindAllStringIndex(text[from:min(len(text), at+longest)], -1) {
		if from+m[0] <= at && at < from+m[1] {
			return true
		}
	}
	return false
}

// match returns the end of the longest spelling that begins at text[at], at itself when there is none.
func (s *sieve) match(text string, at int, k uint64) (end int, mark string) {
	end = at
	for _, w := range s.spellings[k] {
		if !strings.HasPrefix(text[at:], w.text) {
			continue
		}
		to := at + len(w.text)
		for w.run && to < len(text) && isBase64(text[to]) {
			to++
		}
		if to > end {
			end, mark = to, w.mark
		}
	}
	return end, mark
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+/-_=", c) >= 0
}

// spellingsOf lists the ways in which a value is written where software writes it.
func spellingsOf(value string) []spelling {
	all := append(make([]spelling, 0, 8), spelling{text: value})
	if !unreserved(value) {
		for _, text := range escapes(value) {
			if text != value {
				all = append(all, spelling{text: text})
			}
		}
	}
	return append(all, base64Of(value)...)
}

// unreserved: RFC 3986 section 2.3, what no escaping touches.
func unreserved(value string) bool {
	for i := range len(value) {
		if c := value[i]; !isPiece(c) && c != '.' && c != '~' {
			return false
		}
	}
	return true
}

func escapes(value string) []string {
	query, path := url.QueryEscape(value), url.PathEscape(value)
	quoted, _ := json.Marshal(value)
	inJSON := string(quoted[1 : len(quoted)-1])
	all := []string{query, path, strings.ReplaceAll(query, "+", "%20"), lowerHex(query), lowerHex(path), html.EscapeString(value)}
	all = append(all, inJSON, strings.ReplaceAll(inJSON, "/", `\/`), strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value))
	return append(all, url.QueryEscape(query))
}

// lowerHex writes escapes as some do (RFC 3986 section 2.1: equivalent).
func lowerHex(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// base64Head is how much of a long value is held in base64; what follows is struck with it.
const base64Head = 48

// base64Of returns what a value looks like within base64 at each of the three alignments: the letters that depend on the
// value alone.
func base64Of(value string) []spelling {
	head, long := value, len(value) > base64Head
	if long {
		head = value[:base64Head]
	}
	var all []spelling
	for before := range 3 {
		src := make([]byte, before+len(head))
		copy(src[before:], head)
		std := base64.RawStdEncoding.EncodeToString(src)
		from, to := (before*8+5)/6, len(src)*8/6
		text := std[from:to]
		all = append(all, spelling{text: text, run: long})
		if strings.ContainsAny(text, "+/") {
			all = append(all, spelling{text: strings.NewReplacer("+", "-", "/", "_").Replace(text), run: long})
		}
	}
	return all
}
