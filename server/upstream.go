package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpwiz/mcpwiz/server/bridge"
	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// An Upstream is the MCP server that an endpoint stands in front of.
type Upstream struct {
	// URL is its Streamable HTTP endpoint, or with SSE that of an older server's stream (MCP 2024-11-05); Command is one that speaks
	// over stdin and stdout instead, of its own for each session unless Shared.
	URL         string
	SSE, Shared bool
	Command     []string
	// TokenFile has a bearer token and HeaderFile has headers that are sent to it; they are read anew when they change.
	TokenFile, HeaderFile string
	// User names the headers in which it is told who calls.
	User gateway.UserHeaders
	// Observe: it does its own OAuth. Everything on the port is passed on, nothing is verified or added, the witness only watches.
	Observe bool
}

func (u Upstream) url() (*url.URL, error) {
	at, err := url.Parse(u.URL)
	if err == nil && (at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.User != nil || at.Fragment != "") {
		err = fmt.Errorf("not an absolute http or https URL without user and fragment")
	}
	if err != nil {
		return nil, fmt.Errorf("server: upstream %q: %w", u.URL, err)
	}
	if at.Path == "" {
		at.Path = "/"
	}
	return at, nil
}

func (n *endpoint) bridged(name string, dial func(context.Context) (sdk.Connection, error), log *slog.Logger, o Options) http.Handler {
	n.bridge = bridge.New(bridge.Options{Name: name, Dial: dial, Shared: n.Upstream.Shared, Logger: log, Now: o.Now})
	return n.bridge
}

// behind is what stands behind the guard: the bundled server, or an upstream.
func (n *endpoint) behind(o Options) (http.Handler, error) {
	if n.Upstream == nil {
		return n.mcp, nil
	}
	log := o.Logger.With("server", n.URL)
	if len(n.Upstream.Command) > 0 {
		dial, err := bridge.Command(n.Upstream.Command, log)
		if err != nil {
			return nil, fmt.Errorf("server: upstream of %s: %w", n.URL, err)
		}
		return n.bridged(n.Upstream.Command[0], dial, log, o), nil
	}
	at, err := n.Upstream.url()
	if err != nil {
		return nil, err
	}
	if n.Upstream.Observe {
		return gateway.Observed(n.resource.Path(), at, nil, log), nil
	}
	own, err := gateway.OwnHeaders(n.Upstream.TokenFile, n.Upstream.HeaderFile, log)
	if err != nil {
		return nil, fmt.Errorf("server: upstream %s: %w", n.Upstream.URL, err)
	}
	if n.Upstream.SSE {
		return n.bridged(at.Redacted(), bridge.SSE(at, own), log, o), nil
	}
	return gateway.NewUpstream(gateway.Upstream{URL: at, Own: own, User: n.Upstream.User, Logger: log, Failed: o.metrics.failed(n.URL)}), nil
}
