// Package lab is a range to practise on: a client's whole way to an MCP server, with names, certificates, an edge and an
// authorization server of its own on loopback, and faults by name, as data, laid over the handlers it is given.
package lab

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// The range's own names: nobody has them (RFC 2606 section 2).
const (
	Host       = "mcp.lab.example"
	ServerHost = "id.lab.example"
	Target     = "https://" + Host + "/mcp"
	Issuer     = "https://" + ServerHost + "/realms/lab"
)

// Where says whose a fault is.
type Where string

const (
	AtOrigin  Where = "origin"
	AtServer  Where = "authorization-server"
	AtEdge    Where = "edge"
	InNetwork Where = "network"
	AtClient  Where = "client"
)

// A Fault is what is wrong with one way. What it lays is data: two of them are laid together as one.
type Fault struct {
	// Name is that on the command line; Does says what is wrong, in a clause.
	Name, Does string
	Where      Where
	// As is the profile that meets it; empty is hosted Claude.
	As string
	// First are the checks that are right as the first to mend. Warns: it lets the client through, and they warn.
	First []string
	Warns bool
	// Heard are those for who serves and overhears the client, where they are others; Unheard says why nothing need be
	// overheard.
	Heard   []string
	Unheard string

	// URL is what is typed in the place of Target.
	URL string
	// ClientID, ClientSecret and Password are given in the place of the right ones; Registers: no client id is given.
	ClientID, ClientSecret, Password string
	Registers                        bool
	// Served changes what the MCP server is told.
	Served func(*plan.Connection)
	// Origin, Edge and Server are laid over what the MCP server, what stands in front of it, and the authorization server
	// answer: the last is the outermost.
	Origin, Edge, Server []Layer
	// Network changes names, certificates and connections.
	Network func(*Network)
}

// A Layer lies over a handler.
type Layer func(http.Handler) http.Handler

func over(h http.Handler, layers []Layer) http.Handler {
	for _, l := range layers {
		h = l(h)
	}
	return h
}

// OverOrigin lays what is wrong with the MCP server over one of its paths, OverServer that of the authorization server.
// What is laid over mcpwiz's own server makes another of it, which does not mark its answers.
func (f *Fault) OverOrigin(h http.Handler) http.Handler {
	if len(f.Origin) == 0 {
		return h
	}
	return header("X-Mcpwiz-Instance", "")(over(h, f.Origin))
}
func (f *Fault) OverServer(h http.Handler) http.Handler { return over(h, f.Server) }

// With lays another fault over this one.
func (f Fault) With(other Fault) Fault {
	f.Name, f.Does = f.Name+" + "+other.Name, f.Does+"; "+other.Does
	f.URL, f.ClientID, f.ClientSecret, f.Password = either(f.URL, other.URL), either(f.ClientID, other.ClientID),
		either(f.ClientSecret, other.ClientSecret), either(f.Password, other.Password)
	f.As, f.Registers = either(f.As, other.As), f.Registers || other.Registers
	f.Origin, f.Edge, f.Server = slices.Concat(f.Origin, other.Origin), slices.Concat(f.Edge, other.Edge), slices.Concat(f.Server, other.Server)
	f.Served, f.Network = both(f.Served, other.Served), both(f.Network, other.Network)
	return f
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func both[T any](a, b func(*T)) func(*T) {
	if a == nil || b == nil {
		return func(v *T) {
			for _, f := range []func(*T){a, b} {
				if f != nil {
					f(v)
				}
			}
		}
	}
	return func(v *T) { a(v); b(v) }
}

// Typed is the URL that is typed.
func (f *Fault) Typed() string { return either(f.URL, Target) }

// Profile is whose behaviour meets the fault.
func (f *Fault) Profile() string { return either(f.As, "claude-ai") }

// HeardFirst are the checks that are right as first for who overhears the client.
func (f *Fault) HeardFirst() []string {
	if f.Heard != nil {
		return f.Heard
	}
	return f.First
}

// Faults are all that are known by name.
var Faults = slices.Concat(originFaults, documentFaults, protocolFaults, serverFaults, signInFaults, tokenFaults, edgeFaults, networkFaults)

// Lookup returns a fault, or a healthy server, by its name.
func Lookup(name string) (Fault, bool) {
	for _, f := range slices.Concat(Faults, Healthy) {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return Fault{}, false
}

// A Pair is two faults at once. Hidden: the second cannot be seen before the first is mended.
type Pair struct {
	First, Second string
	Hidden        bool
}
