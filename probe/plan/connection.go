package plan

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"go.yaml.in/yaml/v3"
)

// FormatVersion is the version of mcpwiz.yaml that this build reads and writes.
const FormatVersion = 1

// A Connection is mcpwiz.yaml: everything about one way from clients over Keycloak to MCP servers, but no secret.
type Connection struct {
	// Version is of the format; absent is 0, the draft before there were versions.
	Version int `yaml:"version"`
	// Servers are the protected resources; the first is meant where none is named.
	Servers  []Server `yaml:"servers"`
	Keycloak Keycloak `yaml:"keycloak"`
	// Serving is how serve serves them.
	Serving Serving `yaml:"server,omitempty"`
	// Expose is how they become reachable from outside.
	Expose Expose `yaml:"expose,omitempty"`
	// Scopes each carry one server's audience. None: one for each server.
	Scopes []Scope `yaml:"scopes,omitempty"`
	// Clients are who may come. None: Claude's.
	Clients []Client `yaml:"clients,omitempty"`
	// Users are for tests, and made only in a realm of our own.
	Users []User `yaml:"users,omitempty"`
}

// A Server is an MCP server: an OAuth 2.1 resource server (RFC 9728).
type Server struct {
	// Name is for people.
	Name string `yaml:"name,omitempty"`
	// Listen is host:port, or empty for the server's own choice on loopback.
	Listen string `yaml:"listen,omitempty"`
	// URL is the resource identifier (RFC 8707 2), byte for byte as clients are given it.
	URL string `yaml:"url"`
	// Scopes are required of a token. None: the scopes that carry this server's audience.
	Scopes []string `yaml:"scopes,omitempty"`
	// Upstream is the MCP server behind it. Absent: the bundled one.
	Upstream *Upstream `yaml:"upstream,omitempty"`
	// ToolScopes are what single tools take of a token besides Scopes, by the tool's name; MethodScopes by JSON-RPC method. Clients
	// may ask for them and are not given them by default.
	ToolScopes   map[string][]string `yaml:"tool_scopes,omitempty"`
	MethodScopes map[string][]string `yaml:"method_scopes,omitempty"`
	// AllowedHosts are names that it is also reached by, AllowedOrigins those whose pages may call it ("*": all); the URL's
	// own and this machine's need not be listed.
	AllowedHosts   []string `yaml:"allowed_hosts,omitempty"`
	AllowedOrigins []string `yaml:"allowed_origins,omitempty"`
}

// Keycloak is the authorization server.
type Keycloak struct {
	// Issuer is the public URL of the realm, byte for byte (RFC 8414 2).
	Issuer string `yaml:"issuer"`
	// AdminURL is where the Admin API is reached from here. Empty: the issuer without /realms/...
	AdminURL string `yaml:"admin_url,omitempty"`
	// JWKSURL is where a server fetches keys that cannot reach the public name. Empty: what the issuer's metadata say.
	JWKSURL string `yaml:"jwks_url,omitempty"`
	// CAFile has certificates to trust for AdminURL and JWKSURL, and for these two only: what clients must reach is
	// judged against public roots.
	CAFile string `yaml:"ca_file,omitempty"`
	// Realm follows from the issuer and may be repeated here.
	Realm string `yaml:"realm,omitempty"`
	// CreateRealm makes the realm our own: mcpwiz makes it and owns its settings. Otherwise it has to be there and no
	// realm-level field is touched.
	CreateRealm bool `yaml:"create_realm,omitempty"`
	// AllowVulnerable opens registration also where the version of Keycloak has known privilege escalations in it.
	AllowVulnerable bool `yaml:"allow_vulnerable,omitempty"`
	// SignIn is how long users stay signed in.
	SignIn SignIn `yaml:"sign_in,omitempty"`
	Admin  Admin  `yaml:"admin,omitempty"`
}

// SignIn says how long users stay signed in, in seconds: settings of a realm of our own. In another one only OfflineIdle can
// be given; it becomes an attribute of the clients.
type SignIn struct {
	// Idle is without use, Max in any case; the offline ones hold for clients that were granted offline_access.
	Idle        int `yaml:"idle,omitempty"`
	Max         int `yaml:"max,omitempty"`
	OfflineIdle int `yaml:"offline_idle,omitempty"`
	OfflineMax  int `yaml:"offline_max,omitempty"`
	// RotateRefreshTokens makes a refresh token good for one use, and for RefreshTokenReuse more.
	RotateRefreshTokens bool `yaml:"rotate_refresh_tokens,omitempty"`
	RefreshTokenReuse   int  `yaml:"refresh_token_reuse,omitempty"`
}

// Admin says who signs in to the Admin API: a user or a client; the secret comes from elsewhere (see Ask).
type Admin struct {
	User     string `yaml:"user,omitempty"`
	ClientID string `yaml:"client_id,omitempty"`
	// Realm is where they sign in. Empty: master.
	Realm string `yaml:"realm,omitempty"`
}

// A Scope is a client scope that puts one server into the audience of a token.
type Scope struct {
	Name        string `yaml:"name,omitempty"`
	Description string `yaml:"description,omitempty"`
	// ConsentText is what the consent page says.
	ConsentText string `yaml:"consent_text,omitempty"`
	// Server is the url of the server. Empty: the first.
	Server string `yaml:"server,omitempty"`
	// Adopt allows changes to a scope of that name that mcpwiz did not make.
	Adopt bool `yaml:"adopt,omitempty"`
}

// A Client is an OAuth client, as a rule registered by us, so that nothing experimental and no open registration is needed.
type Client struct {
	// Profile names how the client behaves (claude-ai, claude-code, m2m, ...), or is "introspection".
	Profile string `yaml:"profile"`
	// Registration is how the client gets its id: pre-registered (also when empty), dynamic or metadata-document. With the
	// last two it brings what it is along, and of what follows here only Server holds.
	Registration string `yaml:"registration,omitempty"`
	ID           string `yaml:"id,omitempty"`
	// Server is the url whose scopes the client gets. Empty: the first.
	Server string `yaml:"server,omitempty"`
	// Confidential: it has a secret. Absent: as its profile can keep one.
	Confidential *bool `yaml:"confidential,omitempty"`
	// Consent: the user is asked. Absent: asked wherever a user signs in.
	Consent *bool `yaml:"consent,omitempty"`
	// RedirectURIs are further ones; the profile's own need not be repeated.
	RedirectURIs []string `yaml:"redirect_uris,omitempty"`
	// AccessTokenLifespan is in seconds. Zero: 900; at Keycloak's 300 Claude Code refreshes before every request.
	AccessTokenLifespan int `yaml:"access_token_lifespan,omitempty"`
	// Auth is how a machine shows who it is: secret (also when empty) or private_key_jwt.
	Auth string `yaml:"auth,omitempty"`
	// Adopt allows changes to a client of that id that mcpwiz did not make, or that has another server's scope too.
	Adopt bool `yaml:"adopt,omitempty"`
}

// A User can sign in; the password is kept among the secrets.
type User struct {
	Name      string `yaml:"name"`
	Email     string `yaml:"email,omitempty"`
	FirstName string `yaml:"first_name,omitempty"`
	LastName  string `yaml:"last_name,omitempty"`
}

// Introspection is the profile of a client that only introspects tokens (RFC 7662).
const Introspection = "introspection"

// The ways in which a client gets its id: we make it; it registers itself (RFC 7591); its id is the URL of its metadata
// document.
const (
	PreRegistered    = "pre-registered"
	Dynamic          = "dynamic"
	MetadataDocument = "metadata-document"
)

// RegistersItself: the client's id is not ours to choose.
func (c Client) RegistersItself() bool {
	return c.Registration == Dynamic || c.Registration == MetadataDocument
}

// The ways in which a machine shows who it is.
const (
	AuthSecret        = "secret"
	AuthPrivateKeyJWT = "private_key_jwt"
)

// Load reads a connection strictly. A file of an older version is migrated: the old one is kept beside it as
// <path>.v<old version>. What is read may still be wrong: see Validate.
func Load(path string) (Connection, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Connection{}, fmt.Errorf("read the connection: %w", err)
	}
	read, err := parse(filepath.Base(path), data)
	if err != nil {
		return Connection{}, err
	}
	if read.from < FormatVersion {
		if err := keepAndReplace(path, data, read); err != nil {
			return Connection{}, fmt.Errorf("migrate %s from version %d to %d: %w", path, read.from, FormatVersion, err)
		}
	}
	return read.connection, nil
}

// Parse is Load without a file: name stands in its errors.
func Parse(name string, data []byte) (Connection, error) {
	read, err := parse(name, data)
	return read.connection, err
}

// keepAndReplace never overwrites a copy that an earlier migration kept.
func keepAndReplace(path string, old []byte, read parsed) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	kept, err := os.OpenFile(fmt.Sprintf("%s.v%d", path, read.from), os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := kept.Write(old); err != nil {
		kept.Close()
		return err
	}
	if err := kept.Close(); err != nil {
		return err
	}
	migrated, err := encode(read.root)
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, migrated, info.Mode().Perm())
}

// Save writes the connection whole, in the present version. Comments of a file that is there do not survive.
func (c Connection) Save(path string) error {
	c.Version = FormatVersion
	data, err := encode(c)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
