package keycloaktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// documentPolicy are the options of the condition and of the executor that let a metadata document in.
type documentPolicy struct {
	Schemes  []string `json:"client-id-uri-scheme"`
	Hosts    []string `json:"client-id-uri-allow-permitted-domains"`
	HTTP     bool     `json:"cimd-allow-http-scheme"`
	Domains  []string `json:"cimd-allow-permitted-domains"`
	SameHost bool     `json:"cimd-restrict-same-domain"`
}

// policyFor finds the policy whose condition names the document's host.
func (r *realm) policyFor(id *url.URL) (documentPolicy, bool) {
	for _, p := range r.policies {
		if p.Enabled == nil || !*p.Enabled {
			continue
		}
		for _, one := range p.Conditions {
			var d documentPolicy
			if one.Condition != "client-id-uri" || json.Unmarshal(one.Options, &d) != nil ||
				!slices.Contains(d.Schemes, id.Scheme) || !slices.Contains(d.Hosts, id.Hostname()) {
				continue
			}
			for _, name := range p.Profiles {
				if of := entryOf(r.profiles, name); of != nil && of.documents(&d) {
					return d, true
				}
			}
		}
	}
	return documentPolicy{}, false
}

// documents reads the options of a profile that lets documents in.
func (p *policyEntry) documents(into *documentPolicy) bool {
	for _, e := range p.Executors {
		if e.Executor == "client-id-metadata-document" {
			return json.Unmarshal(e.Options, into) == nil
		}
	}
	return false
}

// byDocument makes a client of the metadata document that its id is the URL of; why says what its user is told instead. What
// was made once is kept: a document that has changed is not read again here.
func (c *call) byDocument(clientID, redirect string) (of *client, why string) {
	id, err := url.Parse(clientID)
	if err != nil || !c.has(documents) {
		return nil, "Client not found."
	}
	policy, ok := c.realm.policyFor(id)
	if !ok || id.Scheme == "http" && !policy.HTTP {
		return nil, "Client not found."
	}
	var m clientMetadata
	if !fetchDocument(clientID, &m) {
		return nil, "Client Metadata fetch failed"
	}
	rep := newClientRep()
	rep.ID, m.Method = newID(), "none"
	switch {
	case m.ClientID != clientID:
		return nil, "Invalid Client Metadata: client_id property does not exactly match client_id parameter."
	case !slices.Contains(m.RedirectURIs, redirect):
		return nil, "Invalid Client Metadata: redirect_uri parameter does not exactly match the one of redirect_uris property in client metadata."
	case slices.ContainsFunc(m.RedirectURIs, func(uri string) bool { return !policy.lets(uri, id.Hostname()) }):
		return nil, "invalid request"
	}
	rep.ClientID = clientID
	if _, ok := c.describe(&rep, m); !ok {
		return nil, "invalid request"
	}
	if c.realm.forcesPKCE() {
		rep.Attributes["pkce.code.challenge.method"] = "S256"
	}
	return c.addClient(rep, true, m.Scope != ""), ""
}

func (p documentPolicy) lets(uri, host string) bool {
	u, err := url.Parse(uri)
	return err == nil && slices.Contains(p.Domains, u.Hostname()) && (!p.SameHost || u.Hostname() == host)
}

// maxDocument is how large a document may be.
const maxDocument = 5000

var documentClient = &http.Client{Timeout: 3 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func fetchDocument(from string, into *clientMetadata) bool {
	resp, err := documentClient.Get(from)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	return err == nil && resp.StatusCode == http.StatusOK && len(body) <= maxDocument && json.Unmarshal(body, into) == nil
}
