package probe

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxText = 2 << 10
	hexHead = 16
)

// A bodyType is what a message says of its body.
type bodyType struct {
	media, charset, encoding string
	given                    bool
}

func bodyLabel(h map[string][]string) bodyType {
	var t bodyType
	for _, v := range values(h, "Content-Encoding") {
		if v := strings.ToLower(strings.TrimSpace(v)); v != "" && v != "identity" {
			t.encoding = v
		}
	}
	if all := values(h, "Content-Type"); len(all) > 0 {
		t.given = true
		media, parameters, err := mime.ParseMediaType(all[0])
		if err != nil {
			media, _, _ = strings.Cut(all[0], ";")
			media = strings.ToLower(strings.TrimSpace(media))
		}
		t.media, t.charset = media, strings.ToLower(parameters["charset"])
	}
	return t
}

func (t bodyType) json() bool {
	return t.media == "application/json" || t.media == "text/json" || strings.HasSuffix(t.media, "+json")
}

func (t bodyType) html() bool { return t.media == "text/html" || t.media == "application/xhtml+xml" }

func (t bodyType) text() bool {
	return !t.given || t.media == "" || t.media == "text/plain" || t.media == "text/markdown" || t.json()
}

// body tells of a body what may be told, by its label and, where that is wrong, by what it is.
func (r *redactor) body(in rawBody, t bodyType, side string) Body {
	b := Body{Type: clip(t.media, 128), Size: in.size, Truncated: !in.whole && int64(len(in.data)) < in.size}
	if len(in.data) == 0 {
		return b
	}
	cached := in.whole && len(in.data) >= minCached && t.media != "text/event-stream"
	sum := sha256.Sum256(in.data)
	if cached {
		if seen, ok := r.cache.body(bodyKey{sum, t, side, metadataPath(r.x.URL().Path)}); ok {
			return seen
		}
	}
	before := r.concealed
	r.read(&b, in, t, side)
	if in.whole && r.concealed == before && (b.JSON != nil || b.Text != "") { // the hash of a secret in a known frame can be guessed at
		b.SHA256 = hex.EncodeToString(sum[:])
		if cached {
			r.cache.keepBody(bodyKey{sum, t, side, metadataPath(r.x.URL().Path)}, b, len(in.data))
		}
	}
	return b
}

func (r *redactor) read(b *Body, in rawBody, t bodyType, side string) {
	switch text := in.data; {
	case t.encoding != "":
		r.readPacked(b, in, t, side)
	case bytes.HasPrefix(text, []byte{0x1f, 0x8b}):
		r.wrong(b, text, "is gzip, and no Content-Encoding says so")
	case t.media == "text/event-stream" && !looksJSON(text):
		b.Events = r.events(in, side)
	case looksJSON(text):
		r.readJSON(b, in, t, side)
	case t.media == "application/x-www-form-urlencoded" || side == "request." && isForm.Match(text):
		if t.media != "application/x-www-form-urlencoded" {
			b.Problem = t.says() + "is a form"
		}
		b.Form = r.form(string(text), side)
	case side == "response." && (t.html() || looksHTML(text)):
		if !t.html() {
			r.wrong(b, text, t.says()+"is HTML")
		}
		b.Page = r.page(text)
	case t.json():
		r.readJSON(b, in, t, side)
		r.readText(b, text, side)
	case t.text():
		r.readText(b, text, side)
	}
}

// says tells the label of a body that is something else.
func (t bodyType) says() string {
	if t.media == "" {
		return "has no Content-Type, "
	}
	return "is labelled " + clip(t.media, 64) + ", "
}

func (r *redactor) wrong(b *Body, text []byte, problem string) {
	if b.Problem != "" {
		problem = b.Problem + "; " + problem
	}
	b.Problem = problem
	head := r.jwts(strings.ToValidUTF8(string(text[:min(len(text), 4*hexHead)]), "?"))
	if utf8.Valid(text[:min(len(text), hexHead)]) {
		text = []byte(r.text(head))
	}
	b.Hex = hex.EncodeToString(text[:min(len(text), hexHead)])
}

func (r *redactor) readJSON(b *Body, in rawBody, t bodyType, side string) {
	v, problem := decodeJSON(in.data)
	broken := strings.Contains(problem, brokenOff)
	b.Truncated = b.Truncated || broken && !in.whole
	switch {
	case b.Truncated && broken:
		b.JSON = r.envelope(v)
		return
	case broken, v == nil && problem != "":
		r.wrong(b, in.data, problem)
		return
	case problem != "":
		r.wrong(b, in.data, problem)
	}
	if !t.json() {
		r.wrong(b, in.data, t.says()+"is JSON")
	} else if t.charset != "" && t.charset != "utf-8" && t.charset != "us-ascii" {
		r.wrong(b, in.data, "is labelled charset="+clip(t.charset, 32)+", and JSON is UTF-8 (RFC 8259 section 8.1)")
	}
	b.JSON = r.json(v, side)
}

// envelope keeps of a message whose end was not copied what names it.
func (r *redactor) envelope(v any) any {
	o, _ := v.(map[string]any)
	kept := map[string]any{}
	for _, name := range []string{"jsonrpc", "id", "method"} {
		if v, ok := o[name]; ok {
			kept[name], _ = label(r, v)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// form redacts a form body (RFC 6749 appendix B).
func (r *redactor) form(text, side string) url.Values {
	r.side = side
	defer func() { r.side = "" }()
	form := url.Values{}
	for pair := range strings.SplitSeq(strings.TrimSpace(text), "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" && value == "" {
			continue
		}
		name, value = unescaped(name), unescaped(value)
		if name == "code_verifier" {
			r.verifier(name, value)
		}
		kept := r.param(name, value)
		if !plainName(name) {
			name = r.unlisted(name)
		}
		form.Add(name, kept)
	}
	if len(form) == 0 {
		return nil
	}
	return form
}

// readText keeps the head of an answer that people read.
func (r *redactor) readText(b *Body, text []byte, side string) {
	if side != "response." {
		return
	}
	if binary(text) {
		if b.Problem == "" {
			r.wrong(b, text, "is no text")
		}
		return
	}
	b.Text = r.prose(clipWords(strings.ToValidUTF8(string(text[:min(len(text), 2*maxText)]), "�"), maxText))
}

// binary reports whether the head of a body is no text.
func binary(text []byte) bool {
	head := text[:min(len(text), 512)]
	return bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(bytes.TrimRightFunc(head, func(c rune) bool { return c == utf8.RuneError }))
}

func looksHTML(text []byte) bool {
	head := bytes.ToLower(bytes.TrimLeft(text[:min(len(text), 256)], "\ufeff \t\r\n"))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html")) ||
		bytes.HasPrefix(head, []byte("<head")) || bytes.HasPrefix(head, []byte("<!--")) || bytes.HasPrefix(head, []byte("<body"))
}

// isForm: a request's body that is a form under another label.
var isForm = regexp.MustCompile(`^\s*[A-Za-z_.-]{1,40}=[^\s&]*(?:&[A-Za-z_.-]{1,40}=[^\s&]*)*\s*$`)

// clipWords keeps the head of a text up to the end of a word: half a secret cannot be struck out.
func clipWords(s string, n int) string {
	if len(s) <= n {
		return s
	}
	end := strings.LastIndexAny(s[:n], " \t\r\n")
	return s[:max(end, 0)]
}

// verifier keeps what the code challenge of a code verifier must be (RFC 7636 section 4.6).
func (r *redactor) verifier(name, value string) {
	sum := sha256.Sum256([]byte(value))
	r.x.S256 = map[string]string{name: base64.RawURLEncoding.EncodeToString(sum[:])}
}
