package client

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpwiz/mcpwiz/probe"
)

// An Emulator makes one handshake as its profile's client would.
type Emulator struct {
	opt    Options
	target *url.URL
	key    *jose.SigningKey

	session *probe.Session
	tap     *probe.Tap
	// happy is the way of the happy path to the wire, aside that of all else.
	happy, aside http.RoundTripper
	wallet       wallet
	silence      silence
	mutes        *mutes
	// askedAs is the profile of the handshake that asks for this one too what is asked as nobody, "" for none.
	askedAs string
	// begun counts the stages that have begun; stopped: a step of the happy path could not begin.
	begun   int
	stopped bool

	// What facts are found with: roots are nil for the system's.
	resolver *net.Resolver
	dial     dialer
	roots    *x509.CertPool
	looking  sync.WaitGroup

	mu     sync.Mutex
	looked map[string]bool
	left   []string
}

// New returns an emulator for one run, or what is wrong with the options.
func New(o Options) (*Emulator, error) {
	target, err := o.check()
	if err != nil {
		return nil, err
	}
	e := &Emulator{opt: o, target: target, looked: map[string]bool{}, resolver: net.DefaultResolver, dial: new(net.Dialer).DialContext}
	if o.PrivateKey != "" {
		key, err := readKey(o.PrivateKey)
		if err != nil {
			return nil, err
		}
		e.key = &key
	}
	if n := o.Network; n != nil {
		e.resolver, e.dial, e.roots = n.Resolver, n.Dial, n.Roots
	}
	e.dial, e.mutes = newReach(e.dial).DialContext, newMutes()
	if o.Transport != nil && o.Network == nil { // whom it connects to for a name is its own affair
		e.dial = nil
	}
	if e.opt.Handshake == "" {
		e.opt.Handshake = newID()
	}
	if o.Shared != nil {
		e.mutes = o.Shared.mutes
	}
	if o.Shared != nil && o.Probes {
		e.askedAs = o.Shared.asksFor(e)
	}
	return e, nil
}

func newID() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// Run makes the handshake and tells it to the sink. With an error it could not begin, or the context ended; the summary is
// that of what was seen until then.
func (e *Emulator) Run(ctx context.Context, sink probe.Sink) (probe.Summary, error) {
	if err := ctx.Err(); err != nil {
		return probe.Summary{}, fmt.Errorf("the handshake was not begun: %w", context.Cause(ctx))
	}
	from := time.Now()
	e.open(sink)
	e.walk(ctx, e.Steps())
	e.looking.Wait()
	e.end(ctx)
	e.tap.Close()
	e.inform(ctx, from)
	closeIdle(e.happy)
	closeIdle(e.aside)
	summary := e.session.Close()
	if ctx.Err() != nil {
		return summary, fmt.Errorf("the handshake was broken off: %w", context.Cause(ctx))
	}
	return summary, nil
}

// open makes the session and the tap that feeds it.
func (e *Emulator) open(sink probe.Sink) {
	e.session = probe.NewSession(probe.Opening{
		ID: e.opt.Handshake, Tool: e.opt.Tool, Target: e.opt.Target, Source: probe.Provoked, Profile: e.opt.Profile,
		Expect: append(e.expected(), e.opt.Informed...), Checks: e.opt.Checks,
	}, sink)
	e.tap = &probe.Tap{To: e.session.Add}
	e.tap.Hide(e.opt.ClientSecret, e.opt.PrivateKey)
	happy, aside := lanes(e.opt.Transport, e.opt.Network, e.dial)
	e.happy, e.aside = e.tap.Transport(e.opt.Shared.over(e.mutes.over(happy))), e.tap.Transport(e.opt.Shared.over(e.mutes.over(aside)))
	e.excuseUpfront()
}

// informLimit is how long those who know more may take to tell it.
const informLimit = 30 * time.Second

// inform adds what others know of the time of the handshake.
func (e *Emulator) inform(ctx context.Context, from time.Time) {
	ctx, cancel := context.WithTimeout(ctx, informLimit)
	defer cancel()
	var all sync.WaitGroup
	for _, ask := range slices.Clone(e.opt.Informants) {
		all.Go(func() {
			if err := ask(ctx, from, time.Now(), e.told); err != nil && ctx.Err() == nil {
				e.say("More could not be learnt: %s", err)
			}
		})
	}
	all.Wait()
}

// say talks to a person; what is secret is struck out.
func (e *Emulator) say(format string, args ...any) {
	if e.opt.Log != nil {
		e.opt.Log("%s", e.tap.Sieve(fmt.Sprintf(format, args...)))
	}
}

// Left tells in words what was made and could not be ended.
func (e *Emulator) Left() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.left)
}

func closeIdle(via http.RoundTripper) {
	if c, ok := via.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
