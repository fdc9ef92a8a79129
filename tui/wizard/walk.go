package wizard

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// A Walk is one way through the wizard.
type Walk struct {
	o        Options
	profiles []*probe.Profile
	draft    *draft

	// job is what plan and apply are about; ahead the one that waits for the administrator to sign in, nil for none.
	job   job
	ahead *job
	// signIn is the page on which the administrator does, address the one of the public address.
	signIn  *page
	address *page
	applies []*tui.ApplyPage
	probes  []*tui.Probe

	mu      sync.Mutex
	settled Answers
	plans   map[job]plan.Plan
	since   time.Time
	// unfinished is the run before as far as it is not settled; changed what was applied or undone since the last handshake.
	unfinished []plan.Past
	changed    []job
	// seen is what the token that was looked up last sees at Cloudflare; origin a quick tunnel's.
	seen   Cloudflare
	origin string
}

// New returns the walk of some options.
func New(o Options) *Walk {
	w := &Walk{o: o, profiles: o.Desk.Profiles(), plans: map[job]plan.Plan{}, unfinished: o.Unfinished}
	w.draft = draftOf(o.Start, w.profiles)
	w.settle()
	return w
}

// Answers are those of all steps up to the present one.
func (w *Walk) Answers() Answers {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settled
}

// settle takes the answers out of the fields, for what runs beside the pages.
func (w *Walk) settle() {
	a := w.draft.answers()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled = a
}

// topics are what is asked, in order.
func (w *Walk) topics() []topic {
	return []topic{w.addressTopic(), w.keycloakTopic(), w.clientsTopic()}
}

// rename takes another name for a scope that was planned.
func (w *Walk) rename(resource, name string) {
	w.draft.renameScope(strings.TrimPrefix(resource, "keycloak/scope/"), name)
	w.settle()
}

func (w *Walk) save() (string, error) { return w.o.Desk.Save(w.Answers()) }

// handshake begins with the server: a client needs something to reach.
func (w *Walk) handshake(ctx context.Context, as tui.ProbeRun, sink probe.Sink) (probe.Summary, error) {
	a := w.Answers()
	if err := w.o.Desk.Serve(ctx, a, as.Told); err != nil {
		return probe.Summary{}, err
	}
	defer w.heardOurselves()
	return w.o.Desk.Handshake(ctx, a, as, sink)
}

// heardOurselves: what the witness has heard up to now was, or may have been, a handshake of ours.
func (w *Walk) heardOurselves() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
}

// heardSince is from when on who comes to the server is the real client.
func (w *Walk) heardSince() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since
}

// probeClients are as whom handshakes are made, Claude first.
func (w *Walk) probeClients() []tui.ProbeClient {
	var all []tui.ProbeClient
	for _, p := range w.chosen() {
		all = append(all, tui.ProbeClient{Profile: p.ID, Title: short(p), Machine: p.Grant == machineGrant})
	}
	return all
}

// signIns are the ways to sign a user in.
func (w *Walk) signIns() []string {
	if len(w.Answers().Connection.Users) == 0 {
		return []string{SignInBrowser}
	}
	return []string{SignInTester, SignInBrowser}
}
