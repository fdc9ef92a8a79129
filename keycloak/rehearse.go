package keycloak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A rehearsal is what applying a plan would write: every resource applies its change to a Keycloak that is only read. So what
// is exported is what would be done, to the last field.
type rehearsal struct {
	// next answers reading; nil is a Keycloak in which there is nothing yet.
	next http.RoundTripper

	mu     sync.Mutex
	of     string // the resource at hand
	writes []write
}

// A write is a call that changes Keycloak.
type write struct {
	of, method string
	// path is below /admin/realms, its parts unescaped.
	path []string
	body map[string]any
	// made stands for the id of what it makes.
	made string
}

// RoundTrip answers writes as Keycloak would, and lets reading find what was written: a client is given the scope that was
// made before it.
func (r *rehearsal) RoundTrip(req *http.Request) (*http.Response, error) {
	below, admin := strings.CutPrefix(adminPath(req.URL), "/admin/realms")
	switch {
	case !admin && r.next != nil:
		return r.next.RoundTrip(req)
	case !admin:
		return said(req, http.StatusOK, `{"access_token":"rehearsal"}`), nil
	case req.Method != http.MethodGet:
		return r.note(req, below)
	case r.next == nil:
		return said(req, http.StatusNotFound, `{"error":"Realm not found."}`), nil
	}
	resp, err := r.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	return r.add(req, resp, below)
}

// adminPath leaves out what Keycloak is under, such as /auth.
func adminPath(u *url.URL) string {
	path := u.EscapedPath()
	if i := strings.Index(path, "/admin/realms"); i >= 0 {
		return path[i:]
	}
	return path
}

func said(req *http.Request, status int, body string) *http.Response {
	h := http.Header{}
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}

func (r *rehearsal) note(req *http.Request, below string) (*http.Response, error) {
	w := write{of: r.of, method: req.Method}
	for part := range strings.SplitSeq(strings.Trim(below, "/"), "/") {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return nil, err
		}
		if plain != "" {
			w.path = append(w.path, plain)
		}
	}
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(data)) > 0 {
			if err := json.Unmarshal(data, &w.body); err != nil {
				return nil, fmt.Errorf("rehearse %s %s: %w", req.Method, below, err)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	status := http.StatusNoContent
	resp := said(req, status, "")
	if req.Method == http.MethodPost {
		w.made = fmt.Sprintf("mcpwiz-made-%d", len(r.writes)+1)
		resp = said(req, http.StatusCreated, "")
		resp.Header.Set("Location", req.URL.String()+"/"+w.made)
	}
	r.writes = append(r.writes, w)
	return resp, nil
}

// add puts what was made in the rehearsal into a list that is read.
func (r *rehearsal) add(req *http.Request, resp *http.Response, below string) (*http.Response, error) {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	var list []any
	if json.Unmarshal(data, &list) == nil && req.URL.RawQuery == "" {
		r.mu.Lock()
		for _, w := range r.writes {
			if w.method == http.MethodPost && "/"+strings.Join(w.path, "/") == strings.TrimRight(below, "/") {
				made := map[string]any{"id": w.made}
				for k, v := range w.body {
					made[k] = v
				}
				list = append(list, made)
			}
		}
		r.mu.Unlock()
		if data, err = json.Marshal(list); err != nil {
			return nil, err
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return resp, nil
}

// rehearse applies changes to nothing and returns what that would write. Of what cannot be rehearsed the reason is returned.
func (r *rehearsal) rehearse(ctx context.Context, resources []plan.Resource, p plan.Plan) (writes []write, skipped []string, err error) {
	if len(resources) != len(p.Changes) {
		return nil, nil, fmt.Errorf("rehearse a plan of %d changes to %d resources", len(p.Changes), len(resources))
	}
	for i, one := range resources {
		if p.Changes[i].Empty() {
			continue
		}
		r.mu.Lock()
		r.of = one.Name()
		before := len(r.writes)
		r.mu.Unlock()
		if err := one.Apply(ctx, p.Changes[i]); err != nil {
			if ctx.Err() != nil {
				return nil, nil, err
			}
			r.writes = r.writes[:before]
			skipped = append(skipped, fmt.Sprintf("%s: %v", one.Name(), err))
		}
	}
	return r.writes, skipped, nil
}
