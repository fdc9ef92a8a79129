package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// everyProfile is the word for all of them.
const everyProfile = "all"

// several reports whether more than one client is to be compared.
func (o *handshakeOptions) several() bool { return o.as == everyProfile || strings.Contains(o.as, ",") }

// compared returns the profiles to compare, in order and each once.
func (p *program) compared(o *handshakeOptions) ([]*probe.Profile, error) {
	s, err := p.shelf()
	if err != nil {
		return nil, err
	}
	if o.as == everyProfile {
		return s.All(), nil
	}
	var all []*probe.Profile
	for id := range strings.SplitSeq(o.as, ",") {
		one, err := p.profile(strings.TrimSpace(id))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all, nil
}

// clientIDs reads whose the client ids are: with several clients, PROFILE=ID,PROFILE=ID.
func (o *handshakeOptions) clientIDs(among []*probe.Profile) (map[string]string, error) {
	ids := map[string]string{}
	if o.clientID == "" {
		return ids, nil
	}
	for pair := range strings.SplitSeq(o.clientID, ",") {
		profile, id, ok := strings.Cut(pair, "=")
		if !ok || id == "" || !slices.ContainsFunc(among, func(p *probe.Profile) bool { return p.ID == profile }) {
			return nil, usage("--client-id "+among[0].ID+"=ID; several with commas", "with several clients --client-id says whose it is: %q does not", pair)
		}
		if ids[profile] != "" {
			return nil, usage("", "--client-id names two clients for %s", profile)
		}
		ids[profile] = id
	}
	if o.keyFile != "" && len(ids) > 1 {
		return nil, usage("-f mcpwiz.yaml has one for each", "--private-key is of one client, and --client-id names %d", len(ids))
	}
	return ids, nil
}

// secretName is the variable that a client's secret is taken from: with several clients each has its own.
func (o *handshakeOptions) secretName(profile string) string {
	if !o.several() || strings.Count(o.clientID, "=") < 2 {
		return envClientSecret
	}
	return envClientSecret + "_" + strings.ToUpper(strings.ReplaceAll(profile, "-", "_"))
}

// severalHandshakes returns one handshake for each profile, or for each client of the file that has it. Only those sign in
// for which there are credentials; the others go as far as a stranger can.
func (p *program) severalHandshakes(ctx context.Context, o *handshakeOptions) ([]client.Options, error) {
	if o.browser {
		return nil, usage("--as takes one client with --browser", "--browser signs in as one client: you would have to for each of them")
	}
	among, err := p.compared(o)
	if err != nil {
		return nil, err
	}
	if o.connection.file != "" {
		return p.severalOfFile(ctx, o, among)
	}
	if o.target == "" {
		return nil, usage("e.g. https://mcp.example.com/mcp, or -f mcpwiz.yaml", "which MCP server?")
	}
	ids, err := o.clientIDs(among)
	if err != nil {
		return nil, err
	}
	var all []client.Options
	for _, one := range among {
		h, err := p.handshake(o.target, one.ID)
		if err != nil {
			return nil, err
		}
		h.ClientID = ids[one.ID]
		if h.ClientID != "" {
			if err := p.authenticate(ctx, o, &h); err != nil {
				return nil, err
			}
		}
		if one.Grant != "client_credentials" && (len(ids) == 0 || h.ClientID != "") {
			if err := p.signIn(ctx, o, &h); err != nil {
				return nil, err
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// severalOfFile takes for each profile the clients of the file that have it; where there is none it goes as a stranger.
func (p *program) severalOfFile(ctx context.Context, o *handshakeOptions, among []*probe.Profile) ([]client.Options, error) {
	c, err := p.load(&o.connection)
	if err != nil {
		return nil, err
	}
	c = c.Defaults()
	server, known := c.Server(o.target)
	if !known {
		return nil, usage("its servers are "+strings.Join(urls(c), ", "), "%s has no server %q", o.connection.file, o.target)
	}
	target := server.URL
	var all []client.Options
	for _, one := range among {
		of := *o
		of.as, of.target = one.ID, target
		if !slices.ContainsFunc(c.Clients, of.chooses) {
			h, err := p.handshake(target, one.ID)
			if err != nil {
				return nil, err
			}
			all = append(all, h)
			continue
		}
		some, err := p.fileHandshakes(ctx, &of)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// userPassword asks for the password of the user who signs in, once.
func (p *program) userPassword(ctx context.Context, o *handshakeOptions) (plan.Secret, error) {
	if o.password == nil {
		o.password = sync.OnceValues(func() (plan.Secret, error) {
			return plan.Ask(p.env, envUserPassword, p.prompt(ctx, "Password of "+o.login))
		})
	}
	return o.password()
}

// atOnce is how many handshakes are made at the same time. More would look like an attack to an edge, whose answer to that
// is not the one that a client gets.
const atOnce = 4

// makeTogether makes handshakes of several clients with one server at once, and tells them one after the other. Those in
// which a user signs in wait for each other: there may be one person to ask, and a one-time code can be used once.
func (p *program) makeTogether(ctx context.Context, all []client.Options, sink probe.Sink) ([]probe.Summary, error) {
	shared := client.NewShared()
	made := make([]*shaken, len(all))
	for _, machines := range []bool{false, true} { // a client that signs users in asks for all what is asked as nobody
		for i, o := range all {
			if (o.Profile.Grant == "client_credentials") != machines {
				continue
			}
			o.Shared, o.Log = shared, nil
			e, err := client.New(o)
			if err != nil {
				return nil, usage("", "%w", err)
			}
			made[i] = &shaken{options: o, emulator: e}
		}
	}
	room := make(chan struct{}, atOnce)
	var signing sync.Mutex
	var making sync.WaitGroup
	for _, m := range made {
		making.Go(func() {
			if m.options.SignIn != nil {
				signing.Lock()
				defer signing.Unlock()
			}
			room <- struct{}{}
			defer func() { <-room }()
			m.make(ctx)
		})
	}
	making.Wait()
	return p.tellTogether(ctx, made, sink)
}

// shaken is a handshake that was made, and what it told.
type shaken struct {
	options  client.Options
	emulator *client.Emulator
	events   []probe.Event
	sum      probe.Summary
	err      error
}

func (m *shaken) make(ctx context.Context) {
	m.sum, m.err = m.emulator.Run(ctx, func(e probe.Event) { m.events = append(m.events, e) })
}

// tellTogether tells the handshakes in their order.
func (p *program) tellTogether(ctx context.Context, made []*shaken, sink probe.Sink) ([]probe.Summary, error) {
	var sums []probe.Summary
	var failures error
	for _, m := range made {
		for _, e := range m.events {
			sink(e)
		}
		for _, left := range m.emulator.Left() {
			p.say("left behind as %s: %s", m.options.Profile.ID, left)
		}
		if m.err != nil && ctx.Err() == nil {
			failures = errors.Join(failures, fmt.Errorf("%s as %s: %w", m.options.Target, m.options.Profile.ID, m.err))
		}
		sums = append(sums, m.sum)
	}
	if ctx.Err() != nil {
		return sums, ctx.Err()
	}
	return sums, failures
}
