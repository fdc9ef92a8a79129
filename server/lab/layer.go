package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// on lays something over some requests.
func on(some On, lay Layer) Layer {
	return func(next http.Handler) http.Handler {
		changed := lay(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if some(r) {
				changed.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// answer answers by itself; the header's names and values take turns.
func answer(status int, media, body string, header ...string) Layer {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = content(r)
			if media != "" {
				w.Header().Set("Content-Type", media)
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Add(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body) // a client that is gone reads nothing
		})
	}
}

const (
	asJSON = "application/json"
	asHTML = "text/html; charset=utf-8"
)

// oauthError answers as RFC 6749 section 5.2 has it.
func oauthError(status int, code, description string) Layer {
	return answer(status, asJSON, `{"error":"`+code+`","error_description":"`+description+`"}`, "Cache-Control", "no-store")
}

func redirect(status int, to string) Layer { return answer(status, "", "", "Location", to) }

func hangUp(http.Handler) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

// asked changes a request on its way.
func asked(change func(*http.Request)) Layer {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			changed := r.Clone(r.Context())
			change(changed)
			next.ServeHTTP(w, changed)
		})
	}
}

// without takes a header off requests, deaf a parameter out of queries and forms.
func without(name string) Layer { return asked(func(r *http.Request) { r.Header.Del(name) }) }

func deaf(name string) Layer {
	return rewritten(name, func([]string) []string { return nil })
}

// rewritten changes a parameter of queries and forms.
func rewritten(name string, change func([]string) []string) Layer {
	edit := func(q url.Values) {
		if v := change(q[name]); q.Has(name) {
			if q[name] = v; len(v) == 0 {
				q.Del(name)
			}
		}
	}
	return asked(func(r *http.Request) {
		q := r.URL.Query()
		edit(q)
		r.URL.RawQuery = q.Encode()
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			f := form(r)
			edit(f)
			put(r, f.Encode())
		}
	})
}

// header sets headers of answers, or takes those off that are set to "".
func header(pairs ...string) Layer {
	return told(func(k *kept) {
		for i := 0; i+1 < len(pairs); i += 2 {
			k.header.Del(pairs[i])
			if pairs[i+1] != "" {
				k.header.Set(pairs[i], pairs[i+1])
			}
		}
	}, false)
}

// object changes the JSON object of answers that are 200 or 201, body their bytes, location where redirects lead.
func object(change func(map[string]any)) Layer {
	return told(func(k *kept) {
		var o map[string]any
		if k.status/100 != 2 || json.Unmarshal(k.body.Bytes(), &o) != nil {
			return
		}
		change(o)
		k.write(o)
	}, true)
}

func drop(member string) Layer { return object(func(o map[string]any) { delete(o, member) }) }

func set(member string, value any) Layer {
	return object(func(o map[string]any) { o[member] = value })
}

func body(change func([]byte) []byte) Layer {
	return told(func(k *kept) {
		changed := change(slices.Clone(k.body.Bytes()))
		k.body.Reset()
		k.body.Write(changed)
	}, true)
}

func location(change func(*url.URL)) Layer {
	return told(func(k *kept) {
		u, err := url.Parse(k.header.Get("Location"))
		if err != nil || k.header.Get("Location") == "" {
			return
		}
		change(u)
		k.header.Set("Location", u.String())
	}, false)
}

// result changes the results of JSON-RPC answers, whether they come as JSON or as events.
func result(change func(map[string]any)) Layer {
	edit := func(line []byte) []byte {
		var m map[string]any
		if json.Unmarshal(line, &m) != nil {
			return line
		}
		if r, ok := m["result"].(map[string]any); ok {
			change(r)
		}
		return encode(m)
	}
	return body(func(b []byte) []byte { return eachMessage(b, edit) })
}

// eachMessage edits a JSON body, or each data line of a stream of events.
func eachMessage(b []byte, edit func([]byte) []byte) []byte {
	if !bytes.Contains(b, []byte("data:")) || json.Valid(b) {
		return edit(b)
	}
	lines := bytes.Split(b, []byte("\n"))
	for i, line := range lines {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			lines[i] = append([]byte("data: "), edit(bytes.TrimSpace(data))...)
		}
	}
	return bytes.Join(lines, []byte("\n"))
}

// asObject answers a stream of one event as JSON.
func asObject(k *kept) {
	if !strings.HasPrefix(k.header.Get("Content-Type"), "text/event-stream") {
		return
	}
	var only []byte
	eachMessage(slices.Clone(k.body.Bytes()), func(line []byte) []byte {
		if len(line) > 0 {
			only = line
		}
		return line
	})
	k.header.Set("Content-Type", asJSON)
	k.body.Reset()
	k.body.Write(only)
}

// rpcError answers with a JSON-RPC error what would be answered with a result: tokens are judged before.
func rpcError(status, code int, text string) Layer {
	return told(func(k *kept) {
		if k.status != http.StatusOK {
			return
		}
		asObject(k)
		var m map[string]any
		_ = json.Unmarshal(k.body.Bytes(), &m) // what is no message has no id
		k.status = status
		k.write(map[string]any{"jsonrpc": "2.0", "id": m["id"], "error": map[string]any{"code": code, "message": text}})
	}, true)
}

// rpcResult answers with a result, to the id that was asked with.
func rpcResult(result map[string]any) Layer {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", asJSON)
			_, _ = w.Write(encode(map[string]any{"jsonrpc": "2.0", "id": message(r).ID, "result": result})) // a client that is gone reads nothing
		})
	}
}

// encode cannot fail on what was decoded.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Lists has an authorization server list some scopes alone: clients that ask for all of them are to get them.
func Lists(authorizationServer http.Handler, scopes ...any) http.Handler {
	return on(serverMetadata, set("scopes_supported", scopes))(authorizationServer)
}
