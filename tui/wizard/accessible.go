package wizard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// Accessible is the same walk in plain lines. Secrets are asked for without showing them where in is a terminal.
func Accessible(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	w, d := New(o), newDialogue(in, out)
	d.say("Bring Claude and other clients through Keycloak to your MCP server.")
	for _, row := range o.beginning() {
		d.say("It %s: %s.", row[0], row[1])
	}
	goOn, err := d.begin(ctx, w)
	if err != nil || !goOn {
		return err
	}
	if goOn, err = d.provision(ctx, w, job{}); err != nil || !goOn {
		return err
	}
	for _, next := range []func(context.Context, *Walk) error{d.probe, d.connect} {
		if err := next(ctx, w); err != nil {
			return err
		}
	}
	for _, last := range o.Desk.Written() {
		d.say("%s", last)
	}
	return nil
}

// provision shows the plan of a job and applies it; goOn is false where the walk ends with it.
func (d *dialogue) provision(ctx context.Context, w *Walk, j job) (goOn bool, err error) {
	for {
		p, err := d.showPlan(ctx, w, j)
		switch {
		case errors.Is(err, plan.ErrStopped), err != nil && ctx.Err() != nil:
			return false, err
		case err != nil:
			d.say("Wrong: %v", err)
			if again, asked := d.yes(ctx, "Look again?", true); asked != nil || !again {
				return false, err
			}
			continue
		case w.o.DryRun:
			d.say("Nothing was touched: this was a dry run.")
			return false, nil
		case p.Empty():
			return true, d.save(w)
		}
		yes, err := d.yes(ctx, "Apply it?", false)
		switch {
		case err != nil:
			return false, err
		case !yes && j.mends():
			d.say("Nothing was touched.")
			return false, nil
		case !yes:
			return false, d.leave(ctx, w)
		}
		if err := d.save(w); err != nil {
			return false, err
		}
		err = w.apply(ctx, j, d.progress)
		if err == nil {
			return true, nil
		}
		d.say("Wrong: %v", err)
		again, asked := d.yes(ctx, "Look again, and go on where it stopped?", true)
		switch {
		case asked != nil:
			return false, err
		case !again:
			return false, d.offerUndo(ctx, w, j, err)
		}
	}
}

func (d *dialogue) showPlan(ctx context.Context, w *Walk, j job) (plan.Plan, error) {
	d.say("")
	d.say("Plan")
	d.say("looking at %s ...", w.where())
	p, err := w.look(ctx, j)
	if err != nil {
		return p, err
	}
	if err := p.Write(d.out); err != nil {
		return p, err
	}
	if stopped := p.Stopped(); len(stopped) > 0 {
		return p, fmt.Errorf("%w: %s: %s; nothing was touched", plan.ErrStopped, stopped[0].Resource, stopped[0].Stop)
	}
	may, err := w.o.Desk.May(ctx, w.Answers(), j.resource, p)
	switch {
	case err != nil:
		return p, err
	case may.Short && !w.o.DryRun:
		return p, errors.New(may.Text + ": nothing was touched")
	case may.Text != "":
		d.say("%s.", may.Text)
	}
	return p, nil
}

// leave keeps the answers for later, where that is wanted.
func (d *dialogue) leave(ctx context.Context, w *Walk) error {
	d.say("Nothing was touched.")
	yes, err := d.yes(ctx, "Keep the answers in "+w.o.Path+"?", false)
	if err != nil || !yes {
		return err
	}
	return d.save(w)
}

func (d *dialogue) save(w *Walk) error {
	path, err := w.save()
	if err == nil {
		d.say("The answers are in %s.", path)
	}
	return err
}

var past = map[plan.Action]string{plan.Create: "made", plan.Update: "changed", plan.Delete: "deleted"}

func (d *dialogue) progress(at plan.Progress) {
	switch {
	case !at.Done || at.Change.Empty():
	case at.Err != nil:
		d.say("%d of %d: %s was refused", at.Index+1, at.Total, at.Change.Resource)
	default:
		d.say("%d of %d: %s %s", at.Index+1, at.Total, at.Change.Resource, past[at.Change.Action])
	}
}

// probe makes handshakes as long as they are asked for.
func (d *dialogue) probe(ctx context.Context, w *Walk) error {
	clients := w.probeClients()
	who := question{title: "Connect as", text: new(string)}
	for _, c := range clients {
		who.options = append(who.options, option{c.Profile, c.Title})
	}
	how := question{title: "Sign in as", text: new(string)}
	for _, s := range w.signIns() {
		how.options = append(how.options, option{s, s})
	}
	mended := false
	for first := true; len(clients) > 0; first = false {
		if !first && !mended {
			again, err := d.yes(ctx, "Connect once more?", false)
			if err != nil || !again {
				return err
			}
		}
		d.say("")
		signIn := ""
		machine := func(c tui.ProbeClient) bool { return c.Profile == *who.text && c.Machine }
		if !mended {
			if err := d.choose(ctx, who); err != nil {
				return err
			}
			if !slices.ContainsFunc(clients, machine) {
				if err := d.choose(ctx, how); err != nil {
					return err
				}
			}
		}
		if !slices.ContainsFunc(clients, machine) {
			signIn = *how.text
		}
		by, err := d.handshake(ctx, w, *who.text, signIn)
		if err != nil {
			return err
		}
		if mended, err = d.mend(ctx, w, by); err != nil {
			return err
		}
	}
	return nil
}

// choose asks those that have more than one answer.
func (d *dialogue) choose(ctx context.Context, all ...question) error {
	for _, q := range all {
		if *q.text == "" {
			*q.text = q.options[0].value
		}
		if len(q.options) == 1 {
			continue
		}
		if err := d.askOne(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// handshake tells one; that it failed is no reason to end. by is the resource that would mend what is to be mended first.
func (d *dialogue) handshake(ctx context.Context, w *Walk, client, signIn string) (by string, err error) {
	as := tui.ProbeRun{Client: client, SignIn: signIn, Told: func(text string) { d.say("%s", text) }, Paste: func(ctx context.Context) (string, error) {
		return d.prompt(ctx, "The address that the browser ended at", false)
	}}
	report, named := w.o.Desk.Report(d.out), map[string]string{}
	var mu sync.Mutex
	sum, err := w.handshake(ctx, as, func(e probe.Event) {
		if f, ok := e.(probe.Found); ok {
			mu.Lock()
			named[f.Finding.Check] = f.Finding.By
			mu.Unlock()
		}
		report(e)
	})
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		d.say("Wrong: %v", err)
	}
	if sum.First == nil {
		return "", nil
	}
	mu.Lock()
	defer mu.Unlock()
	return named[*sum.First], nil
}

// connect says what to type, and tells of the clients that come until it is enough.
func (d *dialogue) connect(ctx context.Context, w *Walk) error {
	a := w.Answers()
	d.say("")
	d.say("%s", w.o.Desk.Where(a))
	values := w.o.Desk.Values(a)
	for _, v := range values {
		if !v.Secret {
			d.say("%s: %s", v.Label, v.Text)
		}
	}
	if slices.ContainsFunc(values, func(v tui.Value) bool { return v.Secret }) {
		show, err := d.yes(ctx, "Show the secret?", false)
		if err != nil {
			return err
		}
		for _, v := range values {
			if v.Secret && show {
				d.say("%s: %s", v.Label, v.Text)
			}
		}
	}
	return d.wait(ctx, w)
}

// wait tells of overheard handshakes until a line is entered, or the input ends.
func (d *dialogue) wait(ctx context.Context, w *Walk) error {
	d.say("Waiting for the client. Enter ends the server and the wizard.")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, carrier, entered := w.o.Desk.Watch(ctx), w.o.Desk.Carrier(ctx), d.later(d.next)
	since, tell := w.heardSince(), w.o.Desk.Report(d.out)
	for {
		select {
		case e, ok := <-events:
			begun, first := e.(probe.Started)
			switch {
			case !ok:
				events = nil
			case !first || !begun.At.Before(since): // our own handshakes came before
				tell(e)
			}
		case now, ok := <-carrier:
			if !ok {
				carrier = nil
				continue
			}
			d.say("%s", now)
		case <-entered:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
