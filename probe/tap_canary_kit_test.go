package probe

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// canaries are secrets that must not come out of a tap. Some need escaping wherever they are written.
var canaries = map[string]string{
	"password":      `pa&s w0rd/+"<é>='`,
	"client secret": "cl1ent/S3cret+canary==",
	"code":          "c0de.canary-7f3a9b1c.52",
	"verifier":      "v3rifier-canary_dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
	"state":         "st4te canary/2Q==",
	"refresh token": "r3fresh-canary-AAAABBBBCCCC",
	"access token":  canaryJWT,
	"claim":         "em4il.canary@example.com",
	"cookie":        "c00kie-canary-0123456789",
	"session":       "s3ssion-canary-9876543210",
	"sid":           "5id0canary-1111-2222-3333",
	"argument":      "arg-canary-value-55",
	"username":      "alice-canary-77",
	"private key":   "pr1vate_canary_key_d",
}

var canaryJWT = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0." + base64.RawURLEncoding.EncodeToString([]byte(
	`{"iss":"https://kc.example/realms/r","aud":["https://mcp.example/mcp"],"exp":1790000000,"azp":"mcp","sub":"sub-0001","sid":"5id0canary-1111-2222-3333","email":"em4il.canary@example.com"}`,
)) + ".c2lnbmF0dXJlLWNhbmFyeS1iaXRz"

// leaks returns what of the canaries stands in an exchange, in whatever spelling.
func leaks(t *testing.T, x Exchange, secrets map[string]string) []string {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var found []string
	texts := append(stringsIn(plainOf(text)), string(text))
	for name, canary := range secrets {
		for _, s := range texts {
			if holds(s, canary) {
				found = append(found, fmt.Sprintf("%s in %.300q", name, s))
			}
		}
	}
	return found
}

func plainOf(text []byte) any { var v any; json.Unmarshal(text, &v); return v }

func stringsIn(v any) (all []string) {
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, e := range v {
			all = append(all, stringsIn(e)...)
		}
	case map[string]any:
		for k, e := range v {
			all = append(append(all, k), stringsIn(e)...)
		}
	}
	return all
}

var base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)

// holds is independent of the sieve: it decodes instead of encoding.
func holds(s, canary string) bool {
	for range 4 {
		if strings.Contains(s, canary) {
			return true
		}
		plain := html.UnescapeString(s)
		if q, err := url.QueryUnescape(plain); err == nil {
			plain = q
		}
		var inJSON string
		if json.Unmarshal([]byte(`"`+plain+`"`), &inJSON) == nil {
			plain = inJSON
		}
		if plain == s {
			break
		}
		s = plain
	}
	for _, run := range base64Run.FindAllString(s, -1) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for offset := range 4 {
			part := run[min(offset, len(run)):]
			part = part[:len(part)/4*4+map[int]int{0: 0, 1: 0, 2: 2, 3: 3}[len(part)%4]]
			if plain, _ := base64.RawStdEncoding.DecodeString(part); bytes.Contains(plain, []byte(canary)) {
				return true
			}
		}
	}
	return false
}

// spelled writes a secret in every way that software does.
func spelled(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	inJSON := string(quoted[1 : len(quoted)-1])
	all := map[string]string{
		"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "html": html.EscapeString(secret),
		"json": inJSON, "json slashes": strings.ReplaceAll(inJSON, "/", `\/`), "lower hex": strings.ToLower(url.QueryEscape(secret)),
		"twice": url.QueryEscape(url.QueryEscape(secret)), "every byte": everyByte(secret),
	}
	if strings.ToLower(secret) != secret {
		delete(all, "lower hex")
	}
	for before := range 4 {
		padded := strings.Repeat("x", before) + secret + "yz"
		all[fmt.Sprint("base64 ", before)] = base64.StdEncoding.EncodeToString([]byte(padded))
		all[fmt.Sprint("base64url ", before)] = base64.RawURLEncoding.EncodeToString([]byte(padded))
	}
	return all
}

func everyByte(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// A leaky is an answer in which a server gives secrets away.
type leaky struct {
	name   string
	status int
	header map[string]string
	body   string
}

// tellings are answers that hold every canary in every position.
func tellings() []leaky {
	c := canaries
	q := url.QueryEscape
	js := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	var everything, everyHTML, everyJSON []string
	for _, secret := range c {
		for _, s := range spelled(secret) {
			everything = append(everything, s)
			everyJSON = append(everyJSON, js(s))
		}
		everyHTML = append(everyHTML, html.EscapeString(secret))
	}
	all := strings.Join(everything, " | ")
	redirect := "https://claude.ai/api/mcp/auth_callback?code=" + q(c["code"]) + "&state=" + q(c["state"]) + "&iss=https%3A%2F%2Fkc.example"
	answers := []leaky{
		{"token answer", 200, map[string]string{"Content-Type": "application/json"},
			`{"access_token":` + js(c["access token"]) + `,"refresh_token":` + js(c["refresh token"]) + `,"token_type":"Bearer","session_state":` + js(c["sid"]) + `,"scope":"a"}`},
		{"redirect", 302, map[string]string{"Location": redirect, "Set-Cookie": "KEYCLOAK_SESSION=" + c["cookie"] + "; Path=/realms/r; HttpOnly; X=" + c["cookie"]}, ""},
		{"fragment", 303, map[string]string{"Location": strings.Replace(redirect, "?", "#", 1) + "&access_token=" + c["access token"]}, ""},
		{"bad location", 302, map[string]string{"Location": "https://u:" + q(c["password"]) + "@x/%zz?a=%zz" + q(c["code"])}, ""},
		{"session header", 200, map[string]string{"Content-Type": "application/json", "Mcp-Session-Id": c["session"], "X-Echo": c["cookie"]}, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":` + js(all) + `}],"structuredContent":{"a":` + js(all) + `}}}`},
		{"rpc error", 200, map[string]string{"Content-Type": "application/json"}, `{"jsonrpc":"2.0","id":"x","error":{"code":-32602,"message":` + js("bad: "+all) + `,"data":{"supported":["2025-11-25"],"given":` + js(all) + `}}}`},
		{"html", 400, map[string]string{"Content-Type": "text/html"}, "<html><head><title>" + everyHTML[0] + "</title><script>var a=" + js(all) + "</script></head><body data-page-id=\"login-login\" x=\"" + html.EscapeString(all) + "\"><input type=hidden value=\"" + html.EscapeString(all) + "\"><p>" + html.EscapeString(all) + "</p></body></html>"},
		{"text", 500, map[string]string{"Content-Type": "text/plain"}, "oops: " + all},
		{"no label", 500, nil, "oops: " + all},
		{"wrong label", 200, map[string]string{"Content-Type": "application/json"}, "password=" + c["password"] + " " + all},
		{"broken json", 200, map[string]string{"Content-Type": "application/json"}, `{"access_token":` + js(c["access token"]) + `,`},
		{"json as text", 200, map[string]string{"Content-Type": "text/plain"}, `{"access_token":` + js(c["access token"]) + `,"x":[` + strings.Join(everyJSON, ",") + `]}`},
		{"form answer", 200, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "access_token=" + c["access token"] + "&error_description=" + q(all)},
		{"any json", 403, map[string]string{"Content-Type": "application/json"}, `{"error":"x","error_description":` + js(all) + `,"nested":{"message":` + js(all) + `,"list":[` + strings.Join(everyJSON, ",") + `]},` + js(c["code"]) + `:1}`},
		{"metadata", 200, map[string]string{"Content-Type": "application/json"}, `{"issuer":"https://kc.example","authorization_endpoint":"https://u:` + "pw-canary-in-url" + `@kc.example/auth","note":` + js(all) + `,"client_secret":` + js(c["client secret"]) + `,"jwks":{"keys":[{"kty":"OKP","x":"public","d":` + js(c["private key"]) + `,"oth":[{"d":` + js(c["private key"]) + `}]}]}}`},
		{"registration", 201, map[string]string{"Content-Type": "application/json"}, `{"client_id":"a","redirect_uris":["https://c/cb"],"client_secret":` + js(c["client secret"]) + `,"registration_access_token":` + js(c["access token"]) + `,"registration_client_uri":"https://kc/r?token=` + c["refresh token"] + `"}`},
		{"stream", 200, map[string]string{"Content-Type": "text/event-stream"}, "event: message\nid: " + c["session"] + "\ndata: " + `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":` + js(all) + `}}` + "\n\nevent: endpoint\ndata: /messages?sessionId=" + c["session"] + "\n\ndata: " + strings.ReplaceAll(all, "\n", " ") + "\n\n"},
		{"challenge", 401, map[string]string{"Www-Authenticate": `Bearer error="invalid_token", error_description="` + all + `"`, "Link": "<https://x/?code=" + q(c["code"]) + ">; rel=next"}, ""},
		{"mislabelled", 200, map[string]string{"Content-Type": "text/event-stream"}, `{"refresh_token":` + js(c["refresh token"]) + `}`},
		{"introspection", 200, map[string]string{"Content-Type": "application/json"}, `{"active":true,"aud":"x","username":` + js(c["username"]) + `,"sid":` + js(c["sid"]) + `}`},
	}
	return answers
}

// askings are requests that bear every canary.
func askings(base string) map[string]*http.Request {
	c := canaries
	q := url.QueryEscape
	post := func(path, contentType, body string) *http.Request {
		r, _ := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		r.SetBasicAuth("mcp", q(c["client secret"]))
		r.Header.Set("Cookie", "KEYCLOAK_SESSION="+c["cookie"]+`; other="`+c["cookie"]+`"`)
		r.Header.Set("Mcp-Session-Id", c["session"])
		r.Header.Set("X-Api-Key", c["private key"])
		r.Header.Set("Referer", base+"/login?session_code="+c["code"])
		return r
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {c["code"]}, "code_verifier": {c["verifier"]}, "client_secret": {c["client secret"]},
		"refresh_token": {c["refresh token"]}, "username": {c["username"]}, "password": {c["password"]}, "email": {c["claim"]}, "state": {c["state"]}, "subject_token": {c["access token"]}}.Encode()
	arguments := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":"` + c["argument"] + `","password":"pa&s w0rd/+\"<é>='"},"cursor":"` + c["code"] + `","_meta":{"progressToken":"` + c["session"] + `"}}}`
	all := map[string]*http.Request{
		"form":             post("/token?state="+q(c["state"])+"&"+q(c["session"])+"&sid="+q(c["sid"])+"#x", "application/x-www-form-urlencoded", form),
		"unlabelled form":  post("/token;jsessionid="+c["session"], "", form),
		"mislabelled form": post("/token", "text/plain", form),
		"json form":        post("/token", "application/json", form),
		"call":             post("/mcp/"+c["access token"], "application/json", arguments),
		"batch":            post("/mcp", "application/json", "["+arguments+"]"),
		"broken call":      post("/mcp", "application/json", arguments[:len(arguments)-3]),
		"unlabelled call":  post("/mcp", "", arguments),
	}
	for _, scheme := range []string{"Bearer ", "bearer  ", "DPoP ", "", "Strange "} {
		r := post("/mcp?access_token="+c["access token"], "application/json", arguments)
		r.Header.Set("Authorization", scheme+c["access token"])
		all["bearer "+scheme] = r
	}
	return all
}
