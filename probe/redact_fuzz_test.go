package probe

import (
	"encoding/json"
	"strings"
	"testing"
)

const fuzzCanary = "c4nary-Fuzz_0123456789"

func FuzzBody(f *testing.F) {
	for _, a := range tellings() {
		f.Add(a.header["Content-Type"], strings.ReplaceAll(a.body, canaries["code"], "CANARY"), true)
	}
	f.Add("application/json", "{\"a\":1,\"a\":[\"CANARY\"]} x", true)
	f.Add("application/x-www-form-urlencoded", "code=CANARY&client_secret=CANARY&%zz=1", false)
	f.Add("text/event-stream", "data: {\"x\":\"CANARY\"}\r\rid: CANARY\ndata\n\n", true)
	f.Add("text/html", "<body data-page-id=CANARY><title>CANARY</title>&#67;ANARY", true)
	f.Add("", "\x1f\x8bCANARY", false)
	f.Fuzz(func(t *testing.T, label, text string, answer bool) {
		text = strings.ReplaceAll(text, "CANARY", fuzzCanary)
		in := &raw{method: "POST", url: "https://x/.well-known/oauth-authorization-server", header: map[string][]string{}}
		body := rawBody{data: []byte(text), size: int64(len(text)), whole: true}
		if answer {
			in.answered, in.status, in.reply, in.answer = true, 200, map[string][]string{"Content-Type": {label}}, body
		} else {
			in.header, in.body = map[string][]string{"Content-Type": {label}}, body
		}
		tap := &Tap{}
		tap.Hide(fuzzCanary)
		for range 2 { // the second time from the cache
			x := tap.redact(in)
			if found := leaks(t, x, map[string]string{"canary": fuzzCanary}); len(found) > 0 {
				t.Fatal(found)
			}
			again(t, x)
		}
	})
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"", "https://u:p@kc.example/auth?client_id=a", "/a;b=c?x=%zz&y", "https://c/cb#error=x", "//x@y/%", "?&&=;&", "#?#?", "a?b#c?d=e", "https://[::1]/\xff", "x?redirect_uri=https%3A%2F%2Fa%3Fcode%3D1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		query, _, _ := strings.Cut(s, "#")
		if !strings.Contains(query, "?") {
			query += "?"
		}
		for _, location := range []string{
			query + "&code=" + fuzzCanary + "&state=" + everyByte(fuzzCanary),
			query + "#code=" + fuzzCanary + "&access_token=" + fuzzCanary,
			s + "#state=" + fuzzCanary,
			s + "&code=" + fuzzCanary,
		} {
			var told Exchange
			tap := &Tap{To: func(x Exchange) { told = x }}
			if location == s+"&code="+fuzzCanary { // may be a path or an authority
				tap.Hide(fuzzCanary)
			}
			tap.tell(tap.redact(&raw{method: "GET", url: location, answered: true, status: 302, reply: map[string][]string{"Location": {location}}}))
			if found := leaks(t, told, map[string]string{"canary": fuzzCanary}); len(found) > 0 {
				t.Fatalf("%q: %s", location, found)
			}
			again(t, told)
		}
	})
}

// FuzzSieve: what is kept of a text is the same when it is sifted again.
func FuzzSieve(f *testing.F) {
	f.Add("abc", "xabcabc%61bc")
	f.Add("ab&c/\"d", "ab%26c&amp;")
	f.Fuzz(func(t *testing.T, secret, text string) {
		tap := &Tap{}
		tap.Hide(secret)
		once := tap.Sieve(text + secret + text)
		if len(secret) < shortest || commonplace(secret) || !json.Valid([]byte(`"`+secret+`"`)) {
			return
		}
		if holds(redacted.ReplaceAllString(once, "\x00"), secret) {
			t.Errorf("%q in %q", secret, once)
		}
	})
}
