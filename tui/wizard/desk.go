package wizard

import (
	"context"
	"io"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// A Desk is what the wizard can have done. All of it may be called from any goroutine, and ends when its context does.
type Desk struct {
	// Profiles are the clients that may be chosen, Checks the catalogue that handshakes are judged by.
	Profiles func() []*probe.Profile
	Checks   []*probe.Check
	// CheckServer tells what answers at a public URL now, whether the server can listen, and whether the way that brings clients
	// there, one of plan.Ways, has what it needs here.
	CheckServer func(ctx context.Context, way, listen, url string) Verdict
	// CheckCloudflare tells what an API token of Cloudflare's sees and may do.
	CheckCloudflare func(ctx context.Context, token plan.Secret) (Cloudflare, Verdict)
	// QuickTunnel runs a quick tunnel to where the server will listen, for as long as the wizard runs, and says its public origin.
	QuickTunnel func(ctx context.Context, listen string) (origin string, v Verdict)
	// CheckKeycloak tells which Keycloak answers. With a secret it signs in (as k.Admin says; with neither user nor client the
	// secret is a token) and tells whether the realm is there and what the login may do; with "" nobody is signed in.
	CheckKeycloak func(ctx context.Context, k plan.Keycloak, secret plan.Secret) Verdict
	// Lifetimes are those of sessions in the realm, where they are known before the plan is applied; nil knows none.
	Lifetimes func(k plan.Keycloak) Lifetimes
	// Plan looks and touches nothing: at everything, or where only names a resource at that alone. Apply makes the changes of
	// a plan that was looked at with the same answers and the same only, and writes the journal.
	Plan  func(ctx context.Context, a Answers, only string) (plan.Plan, error)
	Apply func(ctx context.Context, a Answers, only string, p plan.Plan, told func(plan.Progress)) error
	// May tells what the administrator may do of a plan that was looked at with the same answers and the same only.
	May func(ctx context.Context, a Answers, only string, p plan.Plan) (tui.Permission, error)
	// Proof are the checks that pass once a resource that was planned alone is in place.
	Proof func(only string) []string
	// Past is what Undo would put back, in the order in which it was changed: what was applied here with the same only; where
	// that is "" all that was, and the run before where that did not come to its end.
	Past func(a Answers, only string) ([]plan.Past, error)
	// Reversal shows what Undo would do, and touches nothing. Undo puts back what was before, the last change first.
	Reversal func(ctx context.Context, a Answers, all []plan.Past) (plan.Plan, error)
	Undo     func(ctx context.Context, a Answers, all []plan.Past, told func(plan.Undoing)) error
	// Save writes mcpwiz.yaml whole and says where.
	Save func(a Answers) (path string, err error)
	// Serve returns when the server listens, and the tunnel beside it carries where there is one, or does not within a while; told
	// is told how it goes. Asked again with the same answers it does nothing, with others it begins anew.
	Serve func(ctx context.Context, a Answers, told func(string)) error
	// Carrier tells how the tunnel beside the server stands, then every change; of none it tells nothing.
	Carrier func(context.Context) <-chan tui.Carrier
	// Watch tells of the clients that come to the server: of those that came before too.
	Watch func(context.Context) <-chan probe.Event
	// Handshake makes one handshake as a client of the answers: as.Client is its profile, as.SignIn one of SignInTester and
	// SignInBrowser, "" for a machine.
	Handshake func(ctx context.Context, a Answers, as tui.ProbeRun, sink probe.Sink) (probe.Summary, error)
	// Values are what is typed into the client, Where says where; Page is where a browser is opened for it, "" for nowhere.
	Values func(a Answers) []tui.Value
	Where  func(a Answers) string
	Page   func(a Answers) string
	// Open opens a browser; Copy sends to the clipboard, by the writer of the program that draws.
	Open func(url string) error
	Copy func(text string) error
	// Report returns a sink that tells handshakes in plain lines, of those whose beginning it is told; only Accessible needs it.
	Report func(to io.Writer) probe.Sink
	// Written says, for the last words, where what was written is, and how to go on: a line each.
	Written func() []string
}

// The ways to sign a user in to a handshake, as the live probe shows them.
const (
	SignInTester  = "test user"
	SignInBrowser = "browser"
)

// A Verdict is what a live check says: good, good enough to go on with (Warn), or neither.
type Verdict struct {
	OK, Warn bool
	Note     string
}

func (v Verdict) outcome() probe.Outcome {
	switch {
	case v.Warn:
		return probe.Warned
	case v.OK:
		return probe.Passed
	}
	return probe.Failed
}

// A Cloudflare is what an API token sees there.
type Cloudflare struct {
	Zones   []Zone
	Tunnels []Tunnel
	// May says in a few words what the token may do, and what it lacks.
	May string
}

// A Zone is a domain there, in an account.
type Zone struct{ Name, Account string }

// A Tunnel is one of an account's; State says how it stands, and where its rules are.
type Tunnel struct{ Name, Account, State string }

// Lifetimes are how long a user stays signed in; what is zero is not known. Offline ones hold for clients that ask for
// offline_access.
type Lifetimes struct {
	Idle, Max               time.Duration
	OfflineIdle, OfflineMax time.Duration
}

// Options say how the wizard begins.
type Options struct {
	Desk Desk
	// Start are the answers that are there already: from flags, a file, the environment.
	Start Answers
	// Unfinished are the changes of the run before, where that did not come to its end: they may be gone on from, or undone.
	Unfinished []plan.Past
	// DryRun ends the walk after the plan: nothing is touched, nothing is written.
	DryRun bool
	// Path is where mcpwiz.yaml is, or will be.
	Path string
}
