package client

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// Options say who behaves as whom, towards what.
type Options struct {
	// Target is the MCP server's URL exactly as it was typed.
	Target  string
	Profile *probe.Profile
	Tool    probe.Tool
	Checks  []*probe.Check
	// Handshake is the id in the events; "" makes one.
	Handshake string
	// ClientID and ClientSecret are those of a client registered beforehand.
	ClientID, ClientSecret string
	// PrivateKey is PKCS #8 PEM for private_key_jwt (RFC 7523); "" for none.
	PrivateKey string
	// SignIn is the user's part; nil: nobody signs in.
	SignIn browser.SignIn
	// Register: without a ClientID the client may register as its profile does; what it registers is deleted at the end.
	Register bool
	// Probes: ask also what no client would.
	Probes bool
	// Shared is what this handshake has in common with others that are made with it; nil: nothing.
	Shared *Shared
	// Transport is below the tap; nil: one that honours HTTPS_PROXY and verifies against public roots. Where it is given,
	// names and certificates are not looked at: whom it connects to is its own affair.
	Transport http.RoundTripper
	// HoldStream is how long the server's stream is kept open though nothing comes, to see whether somebody cuts it; with it
	// the stream is opened for clients too that open none. 0 is a moment.
	HoldStream time.Duration
	// Origin is where the server listens behind what stands in front of it, as http://127.0.0.1:8080: what is asked at the public
	// name is then asked there too, and the answers are compared. With Probes only; empty: nothing is compared.
	Origin string
	// Resolvers are public name servers that are asked too for names that may be told to them; none are by default.
	Resolvers []Resolver
	// Network is where the client stands; nil is this machine's.
	Network    *Network
	Informants []probe.Informant
	// Informed is the evidence that the informants bring: where it does not come the handshake is incomplete.
	Informed []probe.Evidence
	// Log takes talk for a person; it may be nil and is told no secret.
	Log func(format string, args ...any)
}

// A Network is one that is not this machine's: names are whose it says, and whom it connects to is its affair. It has no
// proxy.
type Network struct {
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	Resolver *net.Resolver
	// Roots are the public ones there.
	Roots *x509.CertPool
}

const (
	authorizationCode = "authorization_code"
	clientCredentials = "client_credentials"
)

// check tells what is wrong with the options, and returns the target parsed.
func (o *Options) check() (*url.URL, error) {
	target, err := url.Parse(o.Target)
	switch {
	case err != nil:
		var quoting *url.Error // it may quote a password
		if errors.As(err, &quoting) {
			err = quoting.Err
		}
		return nil, fmt.Errorf("the MCP server's URL: %w", err)
	case target.User != nil:
		return nil, errors.New("the MCP server's URL bears a user or password: leave them out")
	case target.Scheme != "https" && target.Scheme != "http" || target.Host == "":
		return nil, fmt.Errorf("the MCP server's URL %q is no absolute http or https URL", o.Target)
	case !portFits(target):
		return nil, fmt.Errorf("the MCP server's URL %q has a port that is none: they go from 1 to 65535", o.Target)
	case o.Profile == nil:
		return nil, errors.New("no profile says how the client behaves")
	case o.ClientID == "" && (o.ClientSecret != "" || o.PrivateKey != ""):
		return nil, errors.New("a client secret or private key was given without the client id it belongs to")
	}
	if err := o.checkOrigin(target); err != nil {
		return nil, err
	}
	return target, o.checkGrant()
}

// portFits reports whether a URL has no port, or one that there is.
func portFits(u *url.URL) bool {
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && n > 0
}

func (o *Options) checkGrant() error {
	switch o.Profile.Grant {
	case authorizationCode:
		return nil
	case clientCredentials:
		if o.SignIn != nil {
			return fmt.Errorf("profile %s uses client_credentials: nobody signs in", o.Profile.ID)
		}
		if o.ClientID != "" && o.ClientSecret == "" && o.PrivateKey == "" {
			return fmt.Errorf("client %q has neither a secret nor a private key: client_credentials needs one of them", o.ClientID)
		}
		return nil
	}
	return fmt.Errorf("profile %s has grant %q: the emulator knows %s", o.Profile.ID, o.Profile.Grant,
		strings.Join([]string{authorizationCode, clientCredentials}, " and "))
}

// machine reports whether the client takes tokens for itself (RFC 6749 section 4.4).
func (o *Options) machine() bool { return o.Profile.Grant == clientCredentials }

// registers reports whether the client gets its id by itself.
func (o *Options) registers() bool { return o.ClientID == "" && o.Register && !o.machine() }

// known reports whether there is, or will be, a client id.
func (o *Options) known() bool { return o.ClientID != "" || o.registers() }

// streams reports whether the server's stream is opened.
func (o *Options) streams() bool { return o.Profile.Protocol.GetStream || o.HoldStream > 0 }

// stranger reports whether nothing is tried that needs an access token.
func (o *Options) stranger() bool {
	if o.machine() {
		return o.ClientID == ""
	}
	return o.SignIn == nil || !o.known()
}
