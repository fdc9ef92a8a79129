package wizard

import (
	"context"
	"errors"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// begin asks all that is to be asked; where the run before did not come to its end only what to do with it. goOn is false where
// that is all.
func (d *dialogue) begin(ctx context.Context, w *Walk) (goOn bool, err error) {
	do := doAsk
	if len(w.left()) > 0 {
		if do, err = d.askUnfinished(ctx, w); err != nil {
			return false, err
		}
	}
	if do != doAsk {
		err = d.askUnknown(ctx, w)
		if err == nil && do == doUndo {
			_, err = d.undo(ctx, w, job{undo: true})
		}
		return do == doGoOn, err
	}
	for _, t := range w.topics() {
		if err := d.askTopic(ctx, w, t); err != nil {
			return false, err
		}
	}
	return true, nil
}

// askUnknown asks what no file keeps.
func (d *dialogue) askUnknown(ctx context.Context, w *Walk) error {
	for {
		var next step
		switch w.lacks() {
		case lackToken:
			next = w.tokenStep()
		case lackTunnel:
			next = w.quickStep()
		case lackSecret:
			next = w.loginStep()
		default:
			return nil
		}
		if err := d.askStep(ctx, w, next); err != nil {
			return err
		}
	}
}

// What is done with the run before.
const (
	doGoOn = "go on"
	doUndo = "undo"
	doAsk  = "ask"
)

func (d *dialogue) askUnfinished(ctx context.Context, w *Walk) (do string, err error) {
	d.say("")
	d.say("The run before was broken off:")
	for _, one := range w.left() {
		d.say("%s %s", one.Change.Resource, stateOf(one))
	}
	q := question{title: "What is to be done?", text: new(string), options: []option{{doGoOn, "go on where it stopped"}}}
	if !w.o.DryRun {
		q.options = append(q.options, option{doUndo, "put back what was before"})
	}
	q.options = append(q.options, option{doAsk, "ask all questions"})
	*q.text = doGoOn
	err = d.askOne(ctx, q)
	return *q.text, err
}

// offerUndo asks whether to put back what was applied before it failed; why is returned where it stays.
func (d *dialogue) offerUndo(ctx context.Context, w *Walk, j job, why error) error {
	all, err := w.past(j)
	if err != nil || len(all) == 0 {
		return why
	}
	undone, err := d.undo(ctx, w, j)
	if err == nil && undone {
		return nil
	}
	return errors.Join(why, err)
}

// undo shows what it would put back, asks, and does it.
func (d *dialogue) undo(ctx context.Context, w *Walk, j job) (undone bool, err error) {
	all, err := w.past(j)
	if err != nil {
		return false, err
	}
	p, err := w.o.Desk.Reversal(ctx, w.Answers(), all)
	if err == nil {
		err = p.Write(d.out)
	}
	if err != nil {
		return false, err
	}
	yes, err := d.yes(ctx, "Undo it?", false)
	if err != nil || !yes {
		return false, err
	}
	return true, w.undo(ctx, j, all, func(u plan.Undoing) {
		name := u.Past.Change.Resource
		switch {
		case !u.Done:
		case u.Err != nil:
			d.say("%s was not undone", name)
		case u.Gone:
			d.say("%s is not there any more", name)
		default:
			d.say("%s undone", name)
		}
	})
}

// mend offers the plan of the resource that would mend what a handshake found; mended: it was applied, and is to be proved.
func (d *dialogue) mend(ctx context.Context, w *Walk, by string) (mended bool, err error) {
	if by == "" {
		return false, nil
	}
	yes, err := d.yes(ctx, "Look at the plan of "+by+", that would mend it?", false)
	if err != nil || !yes {
		return false, err
	}
	w.takeChanges()
	goOn, err := d.provision(ctx, w, job{resource: by})
	if err != nil && ctx.Err() == nil {
		d.say("Wrong: %v", err)
		return false, nil
	}
	return goOn && len(w.takeChanges()) > 0, err
}
