package keycloak

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// selfRegistered are the clients of a connection that bring along what they are: no client of theirs is made, but what
// lets them in.
type selfRegistered struct {
	// hosts may be named by who registers: in a redirect URI or as a client's home.
	hosts []string
	// documents are the URLs of metadata documents, domains what may stand in these.
	documents, domains []string
	// elsewhere: a document names a host other than its own.
	elsewhere bool
	// scopes are those that who registers may ask for, servers whom they lead to.
	scopes, servers []string
}

// selfRegistered collects them; nil where there are none.
func newSelfRegistered(c plan.Connection, profiles Profiles) (*selfRegistered, error) {
	var s selfRegistered
	for i, want := range c.Clients {
		if !want.RegistersItself() {
			continue
		}
		p, err := profiles(want.Profile)
		if err == nil {
			err = s.add(want, p)
		}
		if err != nil {
			return nil, fmt.Errorf("clients[%d]: %w", i, err)
		}
		s.scopes = union(s.scopes, assignable(slices.Concat(c.ScopesOf(want.Server), c.StepUpScopes(want.Server)))...)
		s.servers = union(s.servers, want.Server)
	}
	if len(s.scopes) == 0 {
		return nil, nil
	}
	return &s, nil
}

func (s *selfRegistered) add(want plan.Client, p *probe.Profile) error {
	way := map[string]string{plan.Dynamic: "dcr", plan.MetadataDocument: "cimd"}[want.Registration]
	switch {
	case p.Grant == "client_credentials":
		return fmt.Errorf("profile %s signs in by itself: it is registered beforehand; leave registration out", p.ID)
	case !slices.Contains(p.Register.Order, way):
		return fmt.Errorf("profile %s knows no registration: %s; leave registration out", p.ID, want.Registration)
	}
	hosts, err := hostsOf(p.ID, p.Authorize.RedirectURIs)
	if err != nil {
		return err
	}
	if want.Registration == plan.MetadataDocument {
		return s.addDocument(p, hosts)
	}
	if home, _ := p.Register.Body["client_uri"].(string); home != "" {
		of, err := hostsOf(p.ID, []string{home})
		if err != nil {
			return err
		}
		hosts = union(hosts, of...)
	}
	s.hosts = union(s.hosts, hosts...)
	return nil
}

func (s *selfRegistered) addDocument(p *probe.Profile, hosts []string) error {
	u, err := url.Parse(p.Register.MetadataDocument)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && probe.Loopback(u.Hostname())) {
		return fmt.Errorf("profile %s: %q is no https URL of a metadata document", p.ID, p.Register.MetadataDocument)
	}
	s.documents = union(s.documents, p.Register.MetadataDocument)
	s.domains = union(s.domains, append(hosts, u.Hostname())...)
	s.elsewhere = s.elsewhere || slices.ContainsFunc(hosts, func(h string) bool { return h != u.Hostname() })
	return nil
}

// hostsOf are the hosts of URIs. Loopback is meant by either of its names.
func hostsOf(profile string, uris []string) (hosts []string, err error) {
	for _, uri := range uris {
		u, err := url.Parse(strings.Replace(uri, ":{port}", "", 1))
		if err != nil || u.Hostname() == "" {
			return nil, fmt.Errorf("profile %s: %q has no host that Keycloak could hold a registration to: register it beforehand", profile, uri)
		}
		hosts = union(hosts, u.Hostname())
		if probe.Loopback(u.Hostname()) {
			hosts = union(hosts, "localhost", "127.0.0.1")
		}
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("profile %s names no redirect URI: register it beforehand, with redirect_uris", profile)
	}
	return hosts, nil
}

// union of lists, sorted.
func union(all []string, more ...string) []string {
	joined := slices.Concat(all, more)
	slices.Sort(joined)
	return slices.Compact(joined)
}

// resources are what lets them in, each after what it depends on.
func (s *selfRegistered) resources(a *Admin, k plan.Keycloak) []plan.Resource {
	var all []plan.Resource
	for _, name := range s.scopes {
		all = append(all, &offered{a, k.Realm, name})
	}
	all = append(all, s.pkce(a, k.Realm)...)
	if len(s.hosts) > 0 {
		all = append(all,
			&policyComponent{a, k.Realm, allowedScopes, s.allowedScopes(), false},
			&policyComponent{a, k.Realm, trustedHosts, map[string][]string{trustedHosts: s.hosts, senderMatch: {"false"}, urisMatch: {"true"}}, k.AllowVulnerable})
	}
	if len(s.documents) > 0 {
		all = append(all, s.documentPolicy(a, k.Realm)...)
	}
	return all
}

// allowedScopes may be asked for by who registers: openid is special to Keycloak, and refused unless it is named.
func (s *selfRegistered) allowedScopes() map[string][]string {
	return map[string][]string{allowedClientScopes: union(s.scopes, "openid", "offline_access")}
}

// executor is what holds metadata documents to their policy.
const documentExecutor = "client-id-metadata-document"

// Options of the executor; the last two are there since 26.8.
const (
	acceptPublic  = "accept-public-client-with-confidential-client-only-grant"
	documentsAuds = "cimd-resource-indicator-allow-list"
)

// pkce makes S256 a duty of who registers: by a policy that looks at anonymous registrations alone, so that no other client
// of the realm is touched. It holds for clients of metadata documents too.
func (s *selfRegistered) pkce(a *Admin, realm string) []plan.Resource {
	const name = "mcpwiz-pkce"
	return []plan.Resource{
		&clientPolicy{a, realm, enforcements, policyRep{Name: name, Description: madeByUs + ": PKCE with S256",
			Executors: []executorRep{{"pkce-enforcer", map[string]any{"auto-configure": true}}}}, ""},
		&clientPolicy{a, realm, policies, policyRep{Name: name, Description: madeByUs + ": who registers itself has to use PKCE", Enabled: true,
			Conditions: []conditionRep{{"client-updater-context", map[string]any{"update-client-source": []string{"ByAnonymous"}}}}, Profiles: []string{name}}, ""},
	}
}

// documentPolicy lets the documents in. All are in one policy: of two that match, each rejects what the other lets in.
func (s *selfRegistered) documentPolicy(a *Admin, realm string) []plan.Resource {
	const name = "mcpwiz-metadata-documents"
	schemes, hosts := []string{}, []string{}
	for _, d := range s.documents {
		u, _ := url.Parse(d) // was read before
		schemes, hosts = union(schemes, u.Scheme), union(hosts, u.Hostname())
	}
	options := map[string]any{
		"cimd-allow-http-scheme": slices.Contains(schemes, "http"), "cimd-allow-permitted-domains": s.domains,
		"cimd-restrict-same-domain": !s.elsewhere, "only-allow-confidential-client": false,
	}
	if a.executes(documentExecutor, acceptPublic) {
		options[acceptPublic] = true
	}
	if a.executes(documentExecutor, documentsAuds) && a.on(featureResources) {
		options[documentsAuds] = s.servers
	}
	return []plan.Resource{
		&clientPolicy{a, realm, enforcements, policyRep{Name: name, Description: madeByUs + ": client id metadata documents",
			Executors: []executorRep{{documentExecutor, options}}}, s.refusal(a)},
		&clientPolicy{a, realm, policies, policyRep{Name: name, Description: madeByUs + ": whose metadata documents are taken", Enabled: true,
			Conditions: []conditionRep{{"client-id-uri", map[string]any{"client-id-uri-scheme": schemes, "client-id-uri-allow-permitted-domains": hosts}}},
			Profiles:   []string{name}}, ""},
	}
}

// refusal says why this Keycloak cannot take the documents, "" where it can.
func (s *selfRegistered) refusal(a *Admin) string {
	this := "this Keycloak"
	if a != nil && a.can.version != "" {
		this = "Keycloak " + a.can.version
	}
	if !a.on(featureDocuments) {
		return this + " does not take client id metadata documents: its feature cimd is off, or not there before 26.6"
	}
	for _, d := range s.documents {
		needs, known := documentNeeds(d)
		switch {
		case !known || needs.Option != "" && a.executes(documentExecutor, needs.Option):
		default:
			return fmt.Sprintf("%s refuses %s: %s", this, d, cmp.Or(needs.Why, "it asks for what is not there"))
		}
	}
	return ""
}
