package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// On says of which requests something holds.
type On func(*http.Request) bool

func all(on ...On) On {
	return func(r *http.Request) bool {
		return !slices.ContainsFunc(on, func(o On) bool { return !o(r) })
	}
}

func not(on On) On { return func(r *http.Request) bool { return !on(r) } }

func method(name string) On { return func(r *http.Request) bool { return r.Method == name } }

// path is one path; ending the end of one; wellKnown all below /.well-known/.
func path(p string) On { return func(r *http.Request) bool { return r.URL.Path == p } }

func ending(tail string) On {
	return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, tail) }
}

func wellKnown(r *http.Request) bool { return strings.Contains(r.URL.Path, "/.well-known/") }

// resourceMetadata and serverMetadata are the places of either document.
func resourceMetadata(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/.well-known/oauth-protected-resource")
}

func serverMetadata(r *http.Request) bool { return wellKnown(r) && !resourceMetadata(r) }

// bearing requests have a token, whether or not it is a JWT.
func bearing(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func bearingJWT(r *http.Request) bool {
	return bearing(r) && strings.Count(r.Header.Get("Authorization"), ".") == 2
}

func inSession(r *http.Request) bool { return r.Header.Get("Mcp-Session-Id") != "" }

func agent(part string) On {
	return func(r *http.Request) bool { return strings.Contains(r.UserAgent(), part) }
}

// calling requests are of a JSON-RPC method, granting ones of an OAuth grant type.
func calling(methods ...string) On {
	return func(r *http.Request) bool {
		return slices.Contains(methods, message(r).Method)
	}
}

func granting(kind string) On {
	return func(r *http.Request) bool { return form(r).Get("grant_type") == kind }
}

// message reads a request's JSON-RPC message, form its form; both leave the body as it was.
func message(r *http.Request) (m struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params map[string]any  `json:"params"`
}) {
	_ = json.Unmarshal(content(r), &m) // what is no message has no method
	return m
}

func form(r *http.Request) url.Values {
	if r.Method != http.MethodPost {
		return url.Values{}
	}
	q, _ := url.ParseQuery(string(content(r))) // what is no form has no fields
	return q
}

func content(r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

func put(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
