package plan

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Past is a change of the journal that is not undone: the record of the intent, with what was before.
type Past struct {
	Record
	// State is Applied or Failed, or Intended where the run ended in the middle: then it may be in place or not.
	State RecordKind
}

// Made reports whether the run of this journal made the change.
func (j *Journal) Made(p Past) bool { return p.Run == j.run }

// Standing returns the changes that may be in place, in the order in which they were made.
func Standing(records []Record) []Past {
	var all []Past
	for _, r := range records {
		of := func(p Past) bool { return p.Run == r.Run && p.Change.Resource == r.Change.Resource }
		switch r.Kind {
		case Intended:
			all = append(all, Past{r, Intended})
		case Applied, Failed:
			for i := range all {
				if of(all[i]) {
					all[i].State = r.Kind
				}
			}
		case Found:
			all = slices.DeleteFunc(all, of)
		case Undone:
			all = slices.DeleteFunc(all, func(p Past) bool { return p.Run == r.Of && p.Change.Resource == r.Change.Resource })
		}
	}
	return all
}

// LastRun returns those of the latest run.
func LastRun(all []Past) []Past {
	if len(all) == 0 {
		return nil
	}
	run := all[len(all)-1].Run
	return slices.DeleteFunc(slices.Clone(all), func(p Past) bool { return p.Run != run })
}

// Unfinished returns the changes of the latest run where that did not come to its end: it was broken off, failed or killed.
// What it left to do a new plan says.
func Unfinished(records []Record) []Past {
	run, finished := "", false
	for _, r := range records {
		switch r.Kind {
		case Intended:
			run, finished = r.Run, finished && run == r.Run
		case Finished:
			finished = finished || r.Run == run || r.Of == run
		}
	}
	if finished {
		return nil
	}
	return slices.DeleteFunc(Standing(records), func(p Past) bool { return p.Run != run })
}

// secretStays is said of what undo cannot put back.
const secretStays = "its secret stays as it is: the former one is known to nobody here"

// Reversed returns what Undo does to it, as a plan shows it.
func (p Past) Reversed() Change {
	c := Change{Resource: p.Change.Resource, Action: Update}
	if p.Change.Action == Create {
		c.Action = Delete
		return c
	}
	for _, f := range p.Change.Fields {
		if f.Secret {
			c.Note = secretStays
			continue
		}
		c.Fields = append(c.Fields, Field{Path: f.Path, Before: f.After, After: f.Before})
	}
	return c
}

// Reversal is what Undo would do, in its order.
func Reversal(all []Past) Plan {
	p := Plan{Changes: []Change{}}
	for _, one := range slices.Backward(all) {
		p.Changes = append(p.Changes, one.Reversed())
	}
	return p
}

// NoteMoved notes in a reversal what somebody has changed since the journal was written, and what would be lost with it: a
// setting that is neither as it was left nor as it was before. It looks, and touches nothing; resources are those that the
// connection still has.
func (p Plan) NoteMoved(ctx context.Context, all []Past, resources []Resource) error {
	for i := range p.Changes {
		past := all[len(all)-1-i]
		at := slices.IndexFunc(resources, func(r Resource) bool { return r.Name() == past.Change.Resource })
		later := slices.ContainsFunc(all[len(all)-i:], func(q Past) bool { return q.Change.Resource == past.Change.Resource })
		if at < 0 || later || p.Changes[i].Action != Update {
			continue
		}
		now, err := look(ctx, resources[at])
		if err != nil {
			return err
		}
		if moved := past.moved(now); len(moved) > 0 && now.Action == Update {
			note := "changed by somebody since, which is lost: " + strings.Join(moved, ", ")
			p.Changes[i].Note = strings.Join(slices.DeleteFunc([]string{p.Changes[i].Note, note}, func(s string) bool { return s == "" }), "; ")
		}
	}
	return nil
}

// moved names the settings that are neither as the change left them nor as they were before it.
func (p Past) moved(now Change) (paths []string) {
	for _, f := range now.Fields {
		for _, was := range p.Change.Fields {
			if f.Path != was.Path || f.Secret {
				continue
			}
			is := func(v any) bool {
				return reflect.DeepEqual(plain([]Field{{After: f.Before}}), plain([]Field{{After: v}}))
			}
			if !is(was.Before) && !is(was.After) {
				paths = append(paths, fmt.Sprintf("%s is %s", f.Path, value(f.Before)))
			}
		}
	}
	return paths
}

var (
	// ErrGone is what a resource's Undo returns where nothing is left that could be put back.
	ErrGone = errors.New("it is not there any more")
	// ErrNotOurs is what it returns where the thing does not bear our tag any more.
	ErrNotOurs = errors.New("it does not bear mcpwiz's tag any more: delete it by hand if it is yours")
)

// An Undoing tells how far Undo is: before a change is undone, and after.
type Undoing struct {
	Past Past
	Done bool
	// Gone: there was nothing left to put back.
	Gone bool
	Err  error
}

// Undo puts back what was before, the last change first, and writes each to the journal once it is done: broken off in the
// middle and called again, it goes on. What is not ours any more is left and told; any other failure ends it. find returns
// the resource of a change; told may be nil.
func Undo(ctx context.Context, all []Past, find func(Past) (Resource, error), j *Journal, told func(Undoing)) error {
	if told == nil {
		told = func(Undoing) {}
	}
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	var left error
	for _, p := range slices.Backward(all) {
		if err := ctx.Err(); err != nil {
			return errors.Join(left, err)
		}
		told(Undoing{Past: p})
		gone, err := undoOne(ctx, p, find, j)
		told(Undoing{p, true, gone, err})
		left = errors.Join(left, err)
		if err != nil && !errors.Is(err, ErrNotOurs) {
			return left
		}
	}
	return left
}

func undoOne(ctx context.Context, p Past, find func(Past) (Resource, error), j *Journal) (gone bool, err error) {
	r, err := find(p)
	if err != nil {
		return false, fmt.Errorf("undo %s: %w", p.Change.Resource, err)
	}
	err = r.Undo(ctx, p.Change)
	gone = errors.Is(err, ErrGone)
	if err != nil && !gone {
		return false, fmt.Errorf("undo %s: %w", p.Change.Resource, err)
	}
	return gone, j.undone(p)
}

// A Holder is a resource that may hold what others put into it, and that goes with it when the resource is undone.
type Holder interface {
	// Holds returns in words what it holds besides the resources that are named as ours.
	Holds(ctx context.Context, ours func(name string) bool) ([]string, error)
}

// ErrHolds: what would be deleted holds what others put into it.
var ErrHolds = errors.New("it holds what mcpwiz did not make")

// Holding looks whether undoing these changes would delete what others have made, and touches nothing.
func Holding(ctx context.Context, all []Past, find func(Past) (Resource, error)) error {
	ours := func(name string) bool {
		return slices.ContainsFunc(all, func(p Past) bool { return p.Change.Resource == name })
	}
	for _, p := range all {
		r, err := find(p)
		if err != nil {
			return fmt.Errorf("undo %s: %w", p.Change.Resource, err)
		}
		h, ok := r.(Holder)
		if !ok || p.Change.Action != Create {
			continue
		}
		held, err := h.Holds(ctx, ours)
		switch {
		case err != nil:
			return fmt.Errorf("look into %s: %w", p.Change.Resource, err)
		case len(held) > 0:
			return fmt.Errorf("undo %s: %w: %s", p.Change.Resource, ErrHolds, strings.Join(held, ", "))
		}
	}
	return nil
}
