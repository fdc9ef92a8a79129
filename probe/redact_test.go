package probe

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// fixed is a redactor without randomness in what the tests compare: marks are written as "*".
func fixed() *redactor {
	return &redactor{f: NewFingerprinter(), known: &known{}, cache: &bodyCache{}, x: &Exchange{}, raw: &raw{}}
}

var marks = regexp.MustCompile(`\[redacted \d+ [0-9a-f]{12}\]|%5Bredacted\+\d+\+[0-9a-f]{12}%5D`)

func starred(s string) string { return marks.ReplaceAllString(s, "*") }

func TestURLs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://kc.example/realms/r/auth?client_id=mcp&scope=a%20b+c&state=xyz": "https://kc.example/realms/r/auth?client_id=mcp&scope=a%20b+c&state=*",
		"https://c/cb?code=abc&iss=https%3a%2f%2fkc&error=":                      "https://c/cb?code=*&iss=https%3a%2f%2fkc&error=",
		"https://c/cb#access_token=abc&token_type=Bearer":                        "https://c/cb#access_token=*&token_type=Bearer",
		"https://c/#/login?code=abc":                                             "https://c/#/login?code=*",
		"https://c/#top":                                                         "https://c/#top",
		"https://user:pass@c/x":                                                  "https://user@c/x",
		"https://user@c/x":                                                       "https://user@c/x",
		"/a;jsessionid=123/b?x":                                                  "/a;jsessionid=*/b?x",
		"/a?q=%zz&client_id=%zz":                                                 "/a?q=*&client_id=%zz",
		"?resource=https%3A%2F%2Fu%3Apw%40mcp%2Fmcp":                             "?resource=" + url.QueryEscape("https://u@mcp/mcp"),
		"/r/eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x":                                    "/r/*",
		"/?a=1;b=2&a9f3e1c07755b2d4e6":                                           "/?a=*&*",
		"":                                                                       "",
	} {
		if got := starred(fixed().url(in)); got != want {
			t.Errorf("%s\n became %s\n  want  %s", in, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, in, want string }{
		{"Authorization", "Bearer abcdefgh", "Bearer *"},
		{"Authorization", "Bearer", "Bearer"},
		{"Authorization", "abcdefgh", "*"},
		{"Authorization", "Basic bWNwJTNBMTpzM2NyZXQ=", "Basic client_id=mcp:1 *"},
		{"Authorization", "Basic !", "Basic *"},
		{"Authorization", `Digest username="x"`, "Digest *"},
		{"Cookie", `a=1; b="2"; c`, `a=*; b=*; =*`},
		{"Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=None; X=y", "a=*; Path=/; HttpOnly; SameSite=None; X=*"},
		{"Set-Cookie", "a=; Max-Age=0", "a=; Max-Age=0"},
		{"Www-Authenticate", `Bearer resource_metadata="https://mcp/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`, `Bearer resource_metadata="https://mcp/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`},
		{"Location", "/cb?code=x", "/cb?code=*"},
		{"Mcp-Session-Id", "1868a90c", "*"},
		{"Mcp-Protocol-Version", "2025-11-25", "2025-11-25"},
		{"Access-Control-Allow-Origin", "*", "*"},
		{"Cf-Ray", "8a-FRA", "8a-FRA"},
		{"X-Anything", "hello", "*"},
		{"User-Agent", "Claude-User", "Claude-User"},
	} {
		if got := starred(fixed().header(map[string][]string{test.name: {test.in}}, "response.").Get(test.name)); got != test.want {
			t.Errorf("%s: %s became %s, want %s", test.name, test.in, got, test.want)
		}
	}
}

// starredJSON is a redacted body as JSON text.
func starredJSON(v any) string { text, _ := json.Marshal(v); return starred(string(text)) }

func TestShapes(t *testing.T) {
	t.Parallel()
	const keycloak = `{"authorization_endpoint":"https://kc/auth","grant_types_supported":["password"],"issuer":"https://kc/realms/r","x":{"y":[1,true,null]}}`
	const jwks = `{"keys":[{"alg":"RS256","e":"AQAB","kid":"k","kty":"RSA","n":"0vx7","use":"sig","x5c":["MII"]}]}`
	const tool = `{"annotations":{"readOnlyHint":true},"description":"d","inputSchema":{"properties":{"password":{"type":"string"}},"required":["password"],"type":"object"},"name":"echo","title":"t"}`
	for _, test := range []struct{ name, path, side, in, want string }{
		{"server metadata", "/.well-known/oauth-authorization-server", "response.", keycloak, keycloak},
		{"elsewhere", "/x", "response.", keycloak, keycloak},
		{"resource metadata, lacking all", "/.well-known/oauth-protected-resource/mcp", "response.", `{"hello":"world"}`, `{"hello":"world"}`},
		{"keys", "/certs", "response.", jwks, jwks},
		{"private key", "/certs", "response.", `{"keys":[{"kty":"RSA","n":"0vx7","d":"X4cTteJY","p":"83i","oth":[{"d":"abcdef"}]}]}`, `{"keys":[{"d":"*","kty":"RSA","n":"0vx7","oth":[{"d":"*"}],"p":"*"}]}`},
		{"symmetric key", "/certs", "response.", `{"kty":"oct","k":"AyM1SysPpby"}`, `{"k":"*","kty":"oct"}`},
		{"registration request", "/reg", "request.", `{"client_name":"Claude","redirect_uris":["https://claude.ai/cb"],"token_endpoint_auth_method":"none"}`, `{"client_name":"Claude","redirect_uris":["https://claude.ai/cb"],"token_endpoint_auth_method":"none"}`},
		{"registration answer", "/reg", "response.", `{"client_id":"a-b-c","client_secret":"s3","client_secret_expires_at":0,"redirect_uris":[],"registration_access_token":"t","registration_client_uri":"https://kc/r/a?x=1"}`,
			`{"client_id":"a-b-c","client_secret":"*","client_secret_expires_at":0,"redirect_uris":[],"registration_access_token":"*","registration_client_uri":"https://kc/r/a?x=*"}`},
		{"token answer", "/token", "response.", `{"access_token":"a","expires_in":60,"id_token":"i","not-before-policy":0,"other":"o","refresh_expires_in":1800,"refresh_token":"r","scope":"s","session_state":"x","token_type":"Bearer"}`,
			`{"access_token":"*","expires_in":60,"id_token":"*","not-before-policy":0,"other":"*","refresh_expires_in":1800,"refresh_token":"*","scope":"s","session_state":"*","token_type":"Bearer"}`},
		{"token error", "/token", "response.", `{"error":"invalid_grant","error_description":"Code not valid"}`, `{"error":"invalid_grant","error_description":"Code not valid"}`},
		{"initialize", "/mcp", "request.", `{"jsonrpc":"2.0","id":"a-1","method":"initialize","params":{"capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"},"protocolVersion":"2025-11-25","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"p"}}}`,
			`{"id":"a-1","jsonrpc":"2.0","method":"initialize","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"*"},"capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"},"protocolVersion":"2025-11-25"}}`},
		{"initialized", "/mcp", "response.", `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"s"},"capabilities":{},"instructions":"do this","ttlMs":5}}`,
			`{"id":1,"jsonrpc":"2.0","result":{"capabilities":{},"instructions":"*","protocolVersion":"2025-11-25","serverInfo":{"name":"s"},"ttlMs":5}}`},
		{"tools", "/mcp", "response.", `{"jsonrpc":"2.0","id":1,"result":{"nextCursor":"c","tools":[` + strings.Replace(tool, `"title"`, `"icons":[{"src":"x"}],"title"`, 1) + `]}}`, `{"id":1,"jsonrpc":"2.0","result":{"nextCursor":"*","tools":[` + tool + `]}}`},
		{"call", "/mcp", "request.", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":"b"},"name":"echo"}}`, `{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}`},
		{"result", "/mcp", "response.", `{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"x"}],"isError":false,"structuredContent":{"a":1}}}`, `{"id":1,"jsonrpc":"2.0","result":{"content":[{"text":"[string]"}],"isError":false,"structuredContent":"[object]"}}`},
		{"result blocks", "/mcp", "response.", `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"image","data":"x","mimeType":7},{"type":"Secret 1","own":1},{"type":"resource","resource":{"uri":"file:///x","blob":null}},"y"]}}`,
			`{"id":1,"jsonrpc":"2.0","result":{"content":[{"data":"[string]","mimeType":"[number]","type":"image"},{"type":"[string]"},{"resource":{"blob":null,"uri":"[string]"},"type":"resource"},"[string]"]}}`},
		{"result of one block", "/mcp", "response.", `{"jsonrpc":"2.0","id":1,"result":{"content":"fine"}}`, `{"id":1,"jsonrpc":"2.0","result":{"content":"[string]"}}`},
		{"message without jsonrpc", "/mcp", "response.", `{"id":1,"result":{"protocolVersion":"2025-11-25"}}`, `{"id":1,"result":{"protocolVersion":"2025-11-25"}}`},
		{"rpc error", "/mcp", "response.", `{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"data":{"requested":"1","supported":["2025-11-25"],"x":"y"},"message":"Unsupported"}}`,
			`{"error":{"code":-32022,"data":{"requested":"1","supported":["2025-11-25"],"x":"*"},"message":"Unsupported"},"id":null,"jsonrpc":"2.0"}`},
		{"introspection", "/introspect", "response.", `{"active":true,"aud":["a"],"exp":1,"sub":"s","username":"u"}`, `{"active":true,"aud":["a"],"exp":1,"sub":"*","username":"*"}`},
		{"anything", "/x", "response.", `{"a":"b","code":123456,"error":{"message":"no"},"n":1,"status":"UP","token":"t"}`, `{"a":"*","code":"*","error":{"message":"no"},"n":1,"status":"UP","token":"*"}`},
		{"scalar", "/x", "response.", `["a",1]`, `["*",1]`},
	} {
		r := fixed()
		r.x.Request.URL = "https://x" + test.path
		v, problem := decodeJSON([]byte(test.in))
		if got := starredJSON(r.json(v, test.side)); got != test.want || problem != "" {
			t.Errorf("%s %s:\n got  %s\n want %s", test.name, problem, got, test.want)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	type body = Body
	for _, test := range []struct {
		name, label, text string
		want              func(b body) bool
	}{
		{"duplicates", "application/json", `{"a":1,"a":2}`, func(b body) bool { return b.JSON != nil && strings.Contains(b.Problem, "duplicate members: a") }},
		{"byte order mark", "application/json", "\ufeff{}", func(b body) bool { return b.JSON != nil && strings.Contains(b.Problem, "byte order mark") }},
		{"garbage behind", "application/json", "{} x", func(b body) bool { return b.JSON != nil && strings.Contains(b.Problem, "goes on for 1 bytes") }},
		{"charset", "application/json; charset=ISO-8859-1", "{}", func(b body) bool { return b.JSON != nil && strings.Contains(b.Problem, "charset=iso-8859-1") }},
		{"utf-8", "Application/JSON; charset=\"UTF-8\"", "{}", func(b body) bool { return b.Type == "application/json" && b.Problem == "" && b.Hex == "" }},
		{"latin 1", "application/json", "{\"a\":\"\xe9\"}", func(b body) bool { return strings.Contains(b.Problem, "not UTF-8") }},
		{"labelled as text", "text/plain", `{"a":1}`, func(b body) bool { return b.JSON != nil && b.Problem == "is labelled text/plain, is JSON" }},
		{"not labelled", "", `{"a":1}`, func(b body) bool { return b.JSON != nil && b.Problem == "has no Content-Type, is JSON" }},
		{"HTML as JSON", "application/json", "<!DOCTYPE html><title>Sign in</title><body data-page-id='login-login'><p>Sign  in", func(b body) bool {
			return b.Problem == "is labelled application/json, is HTML" && b.Page.Title == "Sign in" && b.Page.PageID == "login-login" && b.Page.Text == "Sign in" && strings.HasPrefix(b.Hex, "3c21444f4354595045")
		}},
		{"text as JSON", "application/json", "upstream connect error", func(b body) bool { return b.JSON == nil && b.Problem != "" && b.Text == "upstream connect error" }},
		{"broken off", "application/json", `{"a":`, func(b body) bool { return b.JSON == nil && b.Problem == "ends in the middle" && b.Text == "" }},
		{"deep", "application/json", strings.Repeat("[", 100) + strings.Repeat("]", 100), func(b body) bool { return b.JSON == nil && strings.Contains(b.Problem, "nested too deeply") }},
		{"image", "image/png", "\x89PNG\r\n", func(b body) bool { return reflect.DeepEqual(b, Body{Type: "image/png", Size: 6}) }},
		{"script", "text/javascript", "var token", func(b body) bool { return b.Text == "" }},
		{"text", "text/plain; charset=utf-8", "error code: 1010", func(b body) bool { return b.Text == "error code: 1010" && b.SHA256 != "" }},
		{"text with a token", "text/plain", "token: abcdef123456", func(b body) bool { return starred(b.Text) == "token: *" && b.SHA256 == "" }},
		{"bare HTML", "text/html", `<a href="/?code=1">Found</a>.`, func(b body) bool { return b.Page.Text == "Found ." && b.SHA256 == "" }},
		{"hidden parts", "text/html", `<body><script>a</script><style>b</style><select><option>c</select><input value=d><p title=e>shown &amp; told<textarea>f</textarea>`, func(b body) bool {
			return b.Page.Text == "shown & told"
		}},
		{"events", "text/event-stream", "\ufeffid: 1\rdata: {\"a\":1}\r\rretry: 5\n\n:x\ndata\n\nevent: message\ndata: [1,\ndata: 2]\n\ndata: unfinished", func(b body) bool {
			return len(b.Events) == 3 && starredJSON(b.Events[2].Data) == "[1,2]" && b.Events[1].Data == nil && b.Events[0].ID != "1"
		}},
	} {
		r := fixed()
		header := map[string][]string{}
		if test.label != "" {
			header["Content-Type"] = []string{test.label}
		}
		b := r.body(rawBody{data: []byte(test.text), size: int64(len(test.text)), whole: true}, bodyLabel(header), "response.")
		if !test.want(b) {
			t.Errorf("%s: %+v", test.name, b)
		}
	}
}

func TestTruncatedMessageKeepsItsName(t *testing.T) {
	t.Parallel()
	text := `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{"a":"bbbb`
	b := fixed().body(rawBody{data: []byte(text), size: 1 << 20}, bodyType{media: "application/json"}, "request.")
	if !b.Truncated || b.Method() != "tools/call" || starredJSON(b.JSON) != `{"id":7,"jsonrpc":"2.0","method":"tools/call"}` {
		t.Errorf("%+v", b)
	}
}

func TestMarksAreRead(t *testing.T) {
	t.Parallel()
	mark := NewFingerprinter().Redact("1234567890")
	want, _ := Redacted(mark)
	for _, text := range []string{mark, "https://x/?a=" + url.QueryEscape(mark), "Bearer " + mark} {
		if got, ok := Redacted(text); !ok || got != want || got.Length != 10 {
			t.Errorf("%s reads %+v, want %+v", text, got, want)
		}
	}
	r := fixed()
	r.own.add("redacted 10", "*")
	r.own.add(want.Fingerprint, "*")
	if got := r.address("https://x/?a=" + url.QueryEscape(mark) + "&b=" + want.Fingerprint); got != "https://x/?a="+url.QueryEscape(mark)+"&b=*" {
		t.Errorf("a mark was torn: %s", got)
	}
}

// TestNoHashOfSecrets: with the hash of a body, what was struck out of it could be guessed at.
func TestNoHashOfSecrets(t *testing.T) {
	t.Parallel()
	for label, text := range map[string]string{"text/plain": "no such user: hunter22", "application/json": `{"error":"no hunter22"}`} {
		tap := &Tap{}
		in := &raw{answered: true, reply: map[string][]string{"Content-Type": {label}}, answer: rawBody{data: []byte(text), size: int64(len(text)), whole: true}}
		if x := tap.redact(in); x.Answer().SHA256 == "" {
			t.Errorf("%s: no hash though nothing is concealed", label)
		}
		tap.Hide("hunter22")
		if x := tap.redact(in); x.Answer().SHA256 != "" {
			t.Errorf("%s: a hash of what is concealed", label)
		}
	}
}

// TestWordsStay: a weak password must not tear the documents.
func TestWordsStay(t *testing.T) {
	t.Parallel()
	tap := &Tap{}
	tap.Hide("password", "secret", "keycloak", "short")
	const text = "client_secret_post password keycloak short"
	if got := tap.Sieve(text); got != text {
		t.Errorf("became %q", got)
	}
}

// TestErrorCodesStayElsewhere: what a document calls its code is not always an authorization code.
func TestErrorCodesStayElsewhere(t *testing.T) {
	t.Parallel()
	r := fixed()
	r.json(map[string]any{"code": "SESSION_EXPIRED"}, "response.")
	if got := r.text("SESSION_EXPIRED again"); got != "SESSION_EXPIRED again" {
		t.Errorf("became %q", got)
	}
}

// TestForgetting: what is remembered is bounded, and what is hidden by name stays so.
func TestForgetting(t *testing.T) {
	t.Parallel()
	k, f := &known{}, NewFingerprinter()
	k.hide("hidden-value-1", "*")
	for range 3 * maxMarks {
		v := rand.Text()
		k.remember(map[string]string{v: "*"})
		k.overhear(f, v, "", f.Redact(v))
	}
	k.remember(map[string]string{"young-value-1": "*"})
	k.overhear(f, "young-Value-0123456789", "", "*")
	if n := len(k.young.values) + len(k.old.values); n > 2*maxValues || len(k.marks)+len(k.oldMarks) > 2*maxMarks || len(k.values) > maxMarks {
		t.Errorf("remembers %d values", n)
	}
	if got := k.strikePieces(f, k.strike("hidden-value-1 young-value-1 young-Value-0123456789")); got != "* * *" {
		t.Errorf("became %q", got)
	}
}

// TestOwnAddressStays: a cookie or a state that repeats the server's address does not hide it.
func TestOwnAddressStays(t *testing.T) {
	t.Parallel()
	var got Exchange
	tap := &Tap{To: func(x Exchange) { got = x }}
	tap.Handed("GET", "https://my-mcp-server.example/auth?state=my-mcp-server.example&nonce=https%3A%2F%2Fmy-mcp-server.example")
	if got.URL().Host != "my-mcp-server.example" {
		t.Errorf("became %s", got.Request.URL)
	}
}

func TestSieveOverlap(t *testing.T) {
	t.Parallel()
	var s sieve
	for _, v := range []string{"abcdef", "defghijkl", "abcdefgh", "zzzzzz"} {
		s.add(v, "*")
	}
	for in, want := range map[string]string{
		"abcdefghijkl":    "*",
		"-abcdef-":        "-*-",
		"abcdefzzzzzz":    "**",
		"abcde":           "abcde",
		"xabcdefghdefxyz": "x*defxyz",
		"zzzzzzzzzzzzz":   "*",
	} {
		if got := s.strike(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}
