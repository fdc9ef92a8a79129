package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
)

// A served answer is one as the world gives it, before an adversary has it.
type served struct {
	status int
	header http.Header
	body   []byte
}

// A breach is a way to break an answer.
type breach struct {
	name string
	// says is what of the breach a finding must repeat, "" for the status or the error that came.
	says string
	// lie: what came is as good as the right value, until the one who made that refuses it.
	lie  bool
	send func(http.ResponseWriter, served)
}

func (a served) write(rw http.ResponseWriter) {
	maps.Copy(rw.Header(), a.header)
	rw.WriteHeader(a.status)
	_, _ = rw.Write(a.body)
}

// record makes an answer without sending it.
func record(next http.Handler, r *http.Request) served {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	return served{rec.Code, rec.Header().Clone(), rec.Body.Bytes()}
}

// changed is a breach that sends another answer.
func changed(name string, change func(*served)) breach {
	return breach{name: name, send: func(rw http.ResponseWriter, a served) {
		a.header = a.header.Clone()
		a.header.Del("Content-Length")
		change(&a)
		a.write(rw)
	}}
}

// breaches are the ways to break an answer like a.
func breaches(a served) []breach {
	return slices.Concat(statuses(), bodies(), labels(a), wires(), members(a))
}

func statuses() []breach {
	var all []breach
	for _, status := range []int{
		204, 206, 304, 400, 401, 402, 403, 404, 405, 406, 409, 410, 415, 418, 421, 422, 429, 431, 451, 500, 501, 502, 503, 504, 520, 530, 599,
	} {
		all = append(all, changed(fmt.Sprintf("status %d", status), func(a *served) {
			a.status, a.header, a.body = status, http.Header{"Content-Type": {"text/plain"}}, []byte("the reason is kelp")
			if status == 204 || status == 304 {
				a.body = nil
			}
		}))
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"/kelp", "https://kelp.example/login?next=x", ""} {
			all = append(all, changed(fmt.Sprintf("status %d to %q", status, to), func(a *served) {
				a.status, a.header, a.body = status, http.Header{}, nil
				if to != "" {
					a.header.Set("Location", to)
				}
			}))
		}
	}
	return all
}

func bodies() []breach {
	var all []breach
	for name, change := range map[string]func([]byte) []byte{
		"empty":  func([]byte) []byte { return nil },
		"half":   func(b []byte) []byte { return b[:len(b)/2] },
		"null":   func([]byte) []byte { return []byte("null") },
		"array":  func([]byte) []byte { return []byte("[]") },
		"object": func([]byte) []byte { return []byte("{}") },
		"string": func([]byte) []byte { return []byte(`"kelp"`) },
		"number": func([]byte) []byte { return []byte("7") },
		"words":  func([]byte) []byte { return []byte("kelp and nothing else") },
		"page": func([]byte) []byte {
			return []byte("<!doctype html><html><title>kelp</title><body>kelp grows</body></html>")
		},
		"byte mark":     func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) },
		"not UTF-8":     func(b []byte) []byte { return bytes.Replace(b, []byte(`"`), []byte("\"\xff\xfe"), 1) },
		"twice":         func(b []byte) []byte { return append(bytes.TrimSpace(b), b...) },
		"in an array":   func(b []byte) []byte { return []byte("[" + string(bytes.TrimSpace(b)) + "]") },
		"a bad comma":   func(b []byte) []byte { return bytes.Replace(b, []byte("{"), []byte("{,"), 1) },
		"a quoted text": func(b []byte) []byte { q, _ := json.Marshal(string(b)); return q },
		"an error":      func([]byte) []byte { return []byte(`{"error":"kelp","error_description":"the reason is kelp"}`) },
	} {
		all = append(all, changed("body "+name, func(a *served) { a.body = change(a.body) }))
	}
	slices.SortFunc(all, func(a, b breach) int { return strings.Compare(a.name, b.name) })
	return all
}

func labels(a served) []breach {
	var all []breach
	for _, label := range []string{"", "text/html", "text/plain", "application/octet-stream", "text/event-stream", "kelp"} {
		all = append(all, changed(fmt.Sprintf("label %q", label), func(a *served) {
			a.header["Content-Type"] = []string{label}
			if label == "" {
				a.header["Content-Type"] = nil
			}
		}))
	}
	all = append(all, changed("encoded", func(a *served) { a.header.Set("Content-Encoding", "br") }))
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		without := changed("without "+name, func(a *served) { a.header.Del(name) })
		strange := changed("strange "+name, func(a *served) { a.header.Set(name, "kelp") })
		without.says = name
		if name == "Mcp-Session-Id" {
			without.says, strange.lie = "session id", true
		}
		all = append(all, without, strange)
	}
	return all
}

// wires are failures below HTTP.
func wires() []breach {
	cut := func(write func(http.ResponseWriter, served)) func(http.ResponseWriter, served) {
		return func(rw http.ResponseWriter, a served) {
			write(rw, a)
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	return []breach{
		{name: "closed", send: func(http.ResponseWriter, served) { panic(http.ErrAbortHandler) }},
		{name: "no HTTP", send: func(rw http.ResponseWriter, _ served) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = conn.Write([]byte("SSH-2.0-kelp\r\n"))
			_ = conn.Close()
		}},
		{name: "closed after the header", send: cut(func(rw http.ResponseWriter, a served) { a.body = nil; a.write(rw) })},
		{name: "closed in the middle", send: cut(func(rw http.ResponseWriter, a served) {
			a.body = a.body[:len(a.body)/2]
			a.write(rw)
		})},
		{name: "closed before the end", send: cut(func(rw http.ResponseWriter, a served) {
			a.header.Set("Content-Length", fmt.Sprint(len(a.body)+10))
			a.write(rw)
		})},
		{name: "endless", send: func(rw http.ResponseWriter, a served) {
			a.body = bytes.Repeat([]byte(" "), 1<<16)
			a.header.Del("Content-Length")
			a.write(rw)
			for range 1 << 10 {
				if _, err := rw.Write(a.body); err != nil {
					return
				}
			}
		}},
	}
}

// members are what can be done to the members of a JSON answer, two levels deep.
func members(a served) []breach {
	var o map[string]any
	if json.Unmarshal(a.body, &o) != nil {
		return nil
	}
	var all []breach
	for _, name := range slices.Sorted(maps.Keys(o)) {
		all = append(all, member([]string{name})...)
		if inner, ok := o[name].(map[string]any); ok {
			for _, deep := range slices.Sorted(maps.Keys(inner)) {
				all = append(all, member([]string{name, deep})...)
			}
		}
	}
	return all
}

// opaque are members whose value nobody but their maker can judge.
var opaque = []string{"client_id", "client_secret", "token_endpoint_auth_method", "access_token", "refresh_token"}

func member(path []string) []breach {
	at := strings.Join(path, ".")
	put := func(name string, change func(map[string]any, string)) breach {
		b := changed(at+" "+name, func(a *served) {
			var o map[string]any
			if json.Unmarshal(a.body, &o) != nil {
				return
			}
			in := o
			for _, step := range path[:len(path)-1] {
				in, _ = in[step].(map[string]any)
			}
			if in != nil {
				change(in, path[len(path)-1])
			}
			a.body, _ = json.Marshal(o)
		})
		b.says = path[len(path)-1]
		return b
	}
	all := []breach{put("left out", func(o map[string]any, name string) { delete(o, name) })}
	for _, v := range []any{nil, 7, "", "kelp", true, []any{}, []any{7}, map[string]any{}} {
		text, _ := json.Marshal(v)
		b := put(string(text), func(o map[string]any, name string) { o[name] = v })
		b.lie = v == "kelp" && slices.Contains(opaque, at)
		all = append(all, b)
	}
	return all
}
