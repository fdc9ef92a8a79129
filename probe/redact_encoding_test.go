package probe

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func packed(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

// A body in gzip is read as a client reads it, and no secret in it comes through; what only says that it is gzip is told.
func TestPackedBodies(t *testing.T) {
	t.Parallel()
	const doc = `{"access_token":"canary-access-token-0123456789","token_type":"Bearer"}`
	for name, c := range map[string]struct {
		body     []byte
		encoding string
		member   bool
		problem  string
	}{
		"gzip":        {packed(doc), "gzip", true, ""},
		"x-gzip":      {packed(doc), "x-gzip", true, ""},
		"a lie":       {[]byte(doc), "gzip", false, "is labelled Content-Encoding: gzip and cannot be unpacked"},
		"broken off":  {packed(doc)[:40], "gzip", false, "is labelled Content-Encoding: gzip and cannot be unpacked"},
		"another":     {packed(doc), "br", false, "is encoded as br and was not read"},
		"plain":       {[]byte(doc), "br", false, "is labelled Content-Encoding: br and is plain JSON"},
		"not told":    {packed(doc), "", false, "is gzip, and no Content-Encoding says so"},
		"very little": {packed(strings.Repeat(" ", 3<<20)), "gzip", false, ""},
	} {
		x := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if c.encoding != "" {
				w.Header().Set("Content-Encoding", c.encoding)
			}
			_, _ = w.Write(c.body)
		}, request(t, "GET", "http://x/token", ""))
		got := x.Answer()
		if (got.Object()["token_type"] == "Bearer") != c.member || c.problem != "" && got.Problem != c.problem {
			t.Errorf("%s: JSON %v, problem %q", name, got.JSON, got.Problem)
		}
		if all, _ := json.Marshal(x); bytes.Contains(all, []byte("canary-access")) {
			t.Errorf("%s: the token came through: %s", name, all)
		}
	}
}

// What a validator says is kept, what was sent to it is not.
func TestValidatorsSentences(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a list of objects": `{"detail":[{"type":"missing","loc":["body","client_uri"],"msg":"Field required","input":{"client_secret":"canary-secret-0123456789"}}]}`,
		"a list of strings": `{"message":["client_uri: Field required"],"input":["canary-secret-0123456789"]}`,
	} {
		x := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(422)
			_, _ = w.Write([]byte(body))
		}, request(t, "GET", "http://x/register", ""))
		all, _ := json.Marshal(x)
		if !strings.Contains(string(all), "Field required") || !strings.Contains(string(all), "client_uri") || strings.Contains(string(all), "canary") {
			t.Errorf("%s: told %s", name, all)
		}
	}
}
