package cloudflaretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
)

// Do is what an operator does in the dashboard: a call to the API, below /client/v4, that may do everything and never goes wrong by
// a fault. It returns the result, or the API's refusal.
func (c *Cloudflare) Do(method, path string, body any) (json.RawMessage, error) {
	var b []byte
	if body != nil {
		b = encode(body)
	}
	u, err := url.Parse("/client/v4/" + strings.TrimPrefix(path, "/"))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r := httptest.NewRequest(method, u.String(), bytes.NewReader(b))
	k := &call{Cloudflare: c, r: r, now: c.now().UTC(), body: b, token: &token{Token: Token{Permissions: Everything()}}}
	w := httptest.NewRecorder()
	write(w, k.locked())
	var e struct {
		Result  json.RawMessage
		Success bool
		Errors  []note
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if !e.Success {
		return nil, fmt.Errorf("%s %s: %d %v", method, path, w.Code, e.Errors)
	}
	return e.Result, nil
}

// ZoneID returns the id of the zone of that name, AccountID that of an account.
func (c *Cloudflare) ZoneID(name string) string {
	for _, z := range c.zones {
		if z.Name == name {
			return z.ID
		}
	}
	return ""
}

func (c *Cloudflare) AccountID(name string) string {
	for _, a := range c.accounts {
		if a.Name == name {
			return a.ID
		}
	}
	return ""
}
