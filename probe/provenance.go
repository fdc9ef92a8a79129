package probe

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// A provenance tells which exchanges an exchange was made from: those that named its URL or issued a secret it bears.
type provenance struct {
	trace  *Trace
	issued map[string][]*Exchange
	names  map[string][]*Exchange
}

func newProvenance(t *Trace) *provenance {
	p := &provenance{trace: t, issued: map[string][]*Exchange{}, names: map[string][]*Exchange{}}
	for _, x := range t.Exchanges {
		if x.Response == nil {
			continue
		}
		for _, s := range secretsIn(x.Response) {
			p.issued[s] = append(p.issued[s], x)
		}
		for _, u := range urlsIn(x) {
			p.names[u] = append(p.names[u], x)
		}
	}
	return p
}

// madeFrom returns earlier exchanges that x rests on, nearest first.
func (p *provenance) madeFrom(x *Exchange) []*Exchange {
	var from []*Exchange
	add := func(all []*Exchange) {
		for _, y := range all {
			if y.N < x.N && !slices.Contains(from, y) {
				from = append(from, y)
			}
		}
	}
	for _, s := range secretsIn(x.Request) {
		add(p.issued[s])
	}
	add(p.names[place(x.URL())])
	slices.SortFunc(from, func(a, b *Exchange) int { return b.N - a.N })
	return from
}

// named reports whether an earlier exchange named x's URL.
func (p *provenance) named(x *Exchange) bool {
	if place(x.URL()) == place(p.trace.URL()) {
		return true
	}
	return slices.ContainsFunc(p.names[place(x.URL())], func(y *Exchange) bool { return y.N < x.N })
}

// secretsIn returns the fingerprints of the redacted values anywhere in a part of an exchange.
func secretsIn(part any) []string {
	text, err := json.Marshal(part)
	if err != nil {
		return nil
	}
	s := string(text)
	if u, err := url.QueryUnescape(strings.ReplaceAll(s, "%5Bredacted+", "[redacted%20")); err == nil {
		s += u
	}
	var all []string
	for _, secret := range AllRedacted(s) {
		if secret.Length >= 8 && !slices.Contains(all, secret.Fingerprint) {
			all = append(all, secret.Fingerprint)
		}
	}
	return all
}

// urlsIn returns the places that an answer names: in its challenge, its Location, its document; and, for resource
// metadata, the well-known URLs of the authorization servers named.
func urlsIn(x *Exchange) []string {
	var all []string
	add := func(raw string) {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			all = append(all, place(u))
		}
	}
	if c := x.Challenge(); c != nil {
		add(c.ResourceMetadata)
	}
	if to := x.Header("Location"); to != "" {
		if u, err := x.URL().Parse(to); err == nil {
			add(u.String())
		}
	}
	doc := x.Answer().Object()
	for name, v := range doc {
		if name == "issuer" || name == "resource" {
			continue
		}
		for _, s := range stringsOf(v) {
			add(s)
		}
	}
	for _, issuer := range stringsOf(doc["authorization_servers"]) {
		for _, u := range ServerMetadataURLs(issuer) {
			add(u)
		}
	}
	return all
}
