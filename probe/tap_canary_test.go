package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestSieveSpellings(t *testing.T) {
	t.Parallel()
	for name, secret := range canaries {
		tap := &Tap{}
		tap.Hide(secret)
		for spelling, text := range spelled(secret) {
			if got := tap.Sieve("it said " + text + " and more"); holds(got, secret) || !strings.Contains(got, "and more") {
				t.Errorf("%s, %s: %q became %q", name, spelling, text, got)
			}
		}
	}
}

// hideAll tells a tap what an exchange alone cannot show it.
func hideAll(tap *Tap) {
	for _, secret := range canaries {
		tap.Hide(secret)
	}
}

func TestCanariesProvoked(t *testing.T) {
	t.Parallel()
	for _, answer := range tellings() {
		t.Run(answer.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(answer)
			defer srv.Close()
			tap, client, told := tapped(t)
			hideAll(tap)
			for name, r := range askings(srv.URL) {
				resp, err := client.Do(r)
				if err != nil { // a Location that net/http refuses
					if text := tap.Sieve(err.Error()); holds(text, canaries["password"]) || holds(text, canaries["code"]) {
						t.Errorf("%s: %s", name, text)
					}
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			checkTold(t, told.list(), canaries)
		})
	}
}

// TestCanariesOverheard leaves the tap to what it learns by itself.
func TestCanariesOverheard(t *testing.T) {
	t.Parallel()
	for _, answer := range tellings() {
		t.Run(answer.name, func(t *testing.T) {
			t.Parallel()
			told := &seen{}
			tap := &Tap{To: told.to, Public: &url.URL{Scheme: "https", Host: "mcp.example"}}
			for name, r := range askings("https://mcp.example") {
				r.RequestURI = r.URL.RequestURI()
				before := len(told.list())
				tap.Handler(readAll(answer)).ServeHTTP(httptest.NewRecorder(), r)
				tap.queue.wait()
				if got := len(told.list()) - before; got == 0 {
					t.Errorf("%s was not told", name)
				}
			}
			tap.Close()
			for _, x := range told.list() {
				checkTold(t, []Exchange{x}, named(x))
			}
		})
	}
}

// named are the canaries that an exchange shows to be secrets, by a name or a place.
func named(x Exchange) map[string]string {
	secrets := map[string]string{}
	for _, name := range []string{"cookie", "session", "private key"} {
		secrets[name] = canaries[name]
	}
	if len(x.Request.Body.Form) > 0 {
		for _, name := range []string{"password", "code", "verifier", "state", "refresh token", "access token", "username", "claim"} {
			secrets[name] = canaries[name]
		}
	}
	if strings.HasPrefix(x.Request.Header.Get("Authorization"), "Basic ") {
		secrets["client secret"] = canaries["client secret"]
	} else {
		secrets["access token"] = canaries["access token"]
	}
	if body := x.Request.Body; body.Type == "application/json" && body.Problem == "" {
		secrets["argument"], secrets["code"] = canaries["argument"], canaries["code"]
	}
	return secrets
}

func (a leaky) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, v := range a.header {
		w.Header()[name] = []string{v}
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

func readAll(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); next.ServeHTTP(w, r) })
}

func checkTold(t *testing.T, all []Exchange, secrets map[string]string) {
	t.Helper()
	if len(all) == 0 {
		t.Error("nothing was told")
	}
	for _, x := range all {
		for _, leak := range leaks(t, x, secrets) {
			t.Errorf("%s %s: %s", x.Request.Method, x.Request.URL, leak)
		}
		again(t, x)
	}
}

// again checks that an exchange is the same when it is read back.
func again(t *testing.T, x Exchange) {
	t.Helper()
	x.ID, x.Remote, x.Grant = 0, "", ""
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var back Exchange
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&back); err != nil {
		t.Fatalf("read back: %v", err)
	}
	if !reflect.DeepEqual(back, x) {
		t.Errorf("read back differs:\n%+v\n%+v", back, x)
	}
}

func TestCanariesInErrors(t *testing.T) {
	t.Parallel()
	tap, client, told := tapped(t)
	hideAll(tap)
	for name, r := range askings("http://127.0.0.1:1") {
		_, err := client.Do(r)
		if err == nil {
			t.Fatal("port 1 answers")
		}
		for secret, canary := range canaries {
			if holds(tap.Sieve(err.Error()), canary) {
				t.Errorf("%s: %s in %s", name, secret, tap.Sieve(err.Error()))
			}
		}
	}
	failing := tap.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New(canaries["password"])}
	}))
	for _, r := range askings("http://kc.example") {
		failing.RoundTrip(r)
	}
	checkTold(t, told.list(), canaries)
	if kind := told.list()[0].Error.Kind; kind != "refused" {
		t.Errorf("kind %s, want refused", kind)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCanariesHandedAndNoted(t *testing.T) {
	t.Parallel()
	told := &seen{}
	tap := &Tap{To: told.to}
	id := tap.Handed("GET", "https://kc.example/auth?client_id=mcp&state="+url.QueryEscape(canaries["state"])+"&nonce="+canaries["code"])
	tap.Hide(canaries["password"])
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Note(r.Context(), Fact{Kind: "token-signature", Source: "verifier", Data: map[string]any{
			"good": true, "n": 7, "list": []string{canaries["cookie"]}, "why": "GET https://x/?code=" + canaries["code"], "p": canaries["password"], "f": func() {}}})
	}))
	r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
	r.Header.Set("Cookie", "a="+canaries["cookie"])
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.Background()))
	open := tap.Close()
	checkTold(t, told.list(), map[string]string{"state": canaries["state"], "code": canaries["code"], "cookie": canaries["cookie"], "password": canaries["password"]})
	if !reflect.DeepEqual(open, []int64{id}) || !told.list()[0].Open {
		t.Errorf("open %v, want the handed request %d", open, id)
	}
	notes := told.list()[1].Notes
	if len(notes) != 1 || notes[0].Data["good"] != true || notes[0].Data["n"] != json.Number("7") {
		t.Errorf("notes %+v", notes)
	}
}

func TestCanariesAcrossStrangers(t *testing.T) {
	t.Parallel()
	told := &seen{}
	tap := &Tap{To: told.to}
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.Header.Get("Mcp-Session-Id") == "" {
			io.WriteString(w, "the last one was ("+canaries["session"]+")")
		}
	}))
	first := httptest.NewRequest(http.MethodGet, "/mcp", nil)
	first.Header.Set("Mcp-Session-Id", canaries["session"])
	h.ServeHTTP(httptest.NewRecorder(), first)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/mcp", nil))
	tap.Close()
	checkTold(t, told.list(), map[string]string{"session": canaries["session"]})
	if text := told.list()[1].Answer().Text; !strings.HasPrefix(text, "the last one was ([redacted 25 ") {
		t.Errorf("text %q", text)
	}
}
