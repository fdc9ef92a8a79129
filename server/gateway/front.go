package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// A Front names this server's own origin as the issuer: clients read where to register from the metadata of the issuer that the
// resource metadata name (RFC 8414 section 2), and never look at a registration endpoint beside those of another. Who signs in
// and who issues tokens stays the authorization server behind.
type Front struct {
	// Name is our origin, as issuer identifier.
	Name   string
	Behind *Issuer
	// Scopes are those that a client can be given here.
	Scopes []string

	made atomic.Pointer[fronted]
}

type fronted struct {
	of  *serverMetadata
	doc []byte
}

// OriginOf is the issuer that a front for a resource names: its origin, without a path.
func OriginOf(resource string) (string, error) {
	u, err := url.Parse(resource)
	if err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host, nil
}

// ServeHTTP serves the metadata under our own name.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, err := f.Behind.metadata(r.Context())
	if err != nil {
		w.Header().Set("Retry-After", strconv.Itoa(int(refetchInterval/time.Second)))
		WriteError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the metadata of the authorization server behind could not be fetched yet; ask again later")
		return
	}
	made := f.made.Load()
	if made == nil || made.of != m {
		doc, err := f.rewrite(m.raw)
		if err != nil {
			WriteError(w, http.StatusBadGateway, "server_error", err.Error())
			return
		}
		made = &fronted{m, doc}
		f.made.Store(made)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(made.doc) // who has gone needs no answer
}

// FrontHandler serves it to every page.
func FrontHandler(f *Front) http.Handler { return public(Methods(f, http.MethodGet)) }

// rewrite changes what would be untrue of us: the issuer, where to register, what can be asked for, and that the authorization
// response bears an iss, which would be another's (RFC 9207 section 2.4). Whether client id metadata documents are taken the
// server behind says.
func (f *Front) rewrite(raw []byte) ([]byte, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("the metadata of %s are no JSON object", f.Behind.name)
	}
	set := func(name string, v any) { doc[name], _ = json.Marshal(v) } // strings, and lists of them
	set("issuer", f.Name)
	set("registration_endpoint", f.Name+"/register")
	set("response_types_supported", []string{"code"})
	scopes := slices.Clone(f.Scopes)
	if slices.Contains(textsOf(doc["scopes_supported"]), "offline_access") {
		scopes = append(scopes, "offline_access")
	}
	set("scopes_supported", scopes)
	// The public client that registration hands out authenticates with nothing.
	if methods := textsOf(doc["token_endpoint_auth_methods_supported"]); !slices.Contains(methods, "none") {
		set("token_endpoint_auth_methods_supported", append(methods, "none"))
	}
	for _, name := range []string{"authorization_response_iss_parameter_supported", "signed_metadata"} {
		delete(doc, name)
	}
	return json.Marshal(doc)
}

func textsOf(raw json.RawMessage) []string {
	var all []string
	_ = json.Unmarshal(raw, &all) // what is none is none
	return all
}
