package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Plan is what would change, in the order in which it would be done.
type Plan struct {
	Changes []Change `json:"changes"`
}

// Look makes a plan and touches nothing.
func Look(ctx context.Context, resources []Resource) (Plan, error) {
	var p Plan
	for _, r := range resources {
		c, err := look(ctx, r)
		if err != nil {
			return Plan{}, err
		}
		p.Changes = append(p.Changes, c)
	}
	return p, nil
}

// A Standby is a resource for what may come to be needed: while it plans nothing and has nothing to say it is in no plan.
type Standby interface{ Standby() }

// LookNeeded is Look without what only stands by. It returns the resources that are left, as the plan has them.
func LookNeeded(ctx context.Context, resources []Resource) ([]Resource, Plan, error) {
	p, err := Look(ctx, resources)
	if err != nil {
		return nil, Plan{}, err
	}
	var left []Resource
	var needed Plan
	for i, r := range resources {
		if _, standby := r.(Standby); standby && p.Changes[i].Empty() && p.Changes[i].Note == "" {
			continue
		}
		left, needed.Changes = append(left, r), append(needed.Changes, p.Changes[i])
	}
	return left, needed, nil
}

func look(ctx context.Context, r Resource) (Change, error) {
	c, err := r.Plan(ctx)
	if err != nil {
		return Change{}, fmt.Errorf("look at %s: %w", r.Name(), err)
	}
	c.Resource = r.Name()
	return c, nil
}

// Empty reports whether nothing would change.
func (p Plan) Empty() bool {
	for _, c := range p.Changes {
		if !c.Empty() {
			return false
		}
	}
	return true
}

// Stopped returns the changes that stop the plan.
func (p Plan) Stopped() []Change {
	var stopped []Change
	for _, c := range p.Changes {
		if c.Action == Refuse {
			stopped = append(stopped, c)
		}
	}
	return stopped
}

// ErrStopped: the plan holds something that is not ours to change; nothing was touched.
var ErrStopped = errors.New("the plan is stopped")

// ErrMoved: the world is no longer what the plan saw.
var ErrMoved = errors.New("the world is no longer what the plan saw: plan again")

// Progress tells how far Apply is.
type Progress struct {
	Index, Total int
	Change       Change
	// Done is false when the change begins. A resource without a change is told once, as done.
	Done bool
	Err  error
}

// Apply makes the changes one at a time. Each is looked at again right before, written to the journal before the world
// is touched, and must leave nothing to do behind. It stops at the first error; told may be nil. Meanwhile no other run
// beside the same journal changes anything.
func Apply(ctx context.Context, resources []Resource, p Plan, j *Journal, told func(Progress)) error {
	if told == nil {
		told = func(Progress) {}
	}
	if err := applicable(resources, p); err != nil {
		return err
	}
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for i, r := range resources {
		at := Progress{Index: i, Total: len(resources), Change: p.Changes[i]}
		err := applyOne(ctx, r, p.Changes[i], j, func() { told(at) })
		at.Done, at.Err = true, err
		told(at)
		if err != nil {
			return err
		}
	}
	return j.finish()
}

func applicable(resources []Resource, p Plan) error {
	if stopped := p.Stopped(); len(stopped) > 0 {
		return fmt.Errorf("%w: %s: %s", ErrStopped, stopped[0].Resource, stopped[0].Stop)
	}
	if len(resources) != len(p.Changes) {
		return fmt.Errorf("apply a plan of %d changes to %d resources", len(p.Changes), len(resources))
	}
	for i, r := range resources {
		if r.Name() != p.Changes[i].Resource {
			return fmt.Errorf("apply the change of %s to %s", p.Changes[i].Resource, r.Name())
		}
	}
	return nil
}

func applyOne(ctx context.Context, r Resource, planned Change, j *Journal, begin func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now, err := look(ctx, r)
	if err != nil {
		return err
	}
	switch {
	case now.Empty():
		return nil // also when somebody else has done just that meanwhile
	case !now.same(planned):
		return fmt.Errorf("apply %s: %w", r.Name(), ErrMoved)
	}
	begin()
	if err := j.intend(r, now); err != nil {
		return err
	}
	kind, err := applyAndCompare(ctx, r, now)
	return errors.Join(err, j.ended(r, now, kind, err))
}

// applyAndCompare looks again where the change met with somebody else's, and makes it once more if it is still needed.
func applyAndCompare(ctx context.Context, r Resource, c Change) (RecordKind, error) {
	err := r.Apply(ctx, c)
	if conflicts(err) {
		now, lookErr := look(ctx, r)
		switch {
		case lookErr != nil:
			return Failed, fmt.Errorf("apply %s: %w", r.Name(), errors.Join(err, lookErr))
		case now.Empty():
			return Found, nil
		case !now.same(c) && c.Action == Create: // a thing is made whole or not at all
			return Found, fmt.Errorf("apply %s: %w: %w", r.Name(), ErrMoved, err)
		case !now.same(c):
			return Failed, fmt.Errorf("apply %s: %w: %w", r.Name(), ErrMoved, err)
		}
		err = r.Apply(ctx, c)
	}
	if err != nil {
		return Failed, fmt.Errorf("apply %s: %w", r.Name(), err)
	}
	if err := compare(ctx, r); err != nil {
		return Failed, err
	}
	return Applied, nil
}

// conflicts: somebody else made the same thing since it was looked at (409).
func conflicts(err error) bool {
	var c interface{ Conflict() bool }
	return errors.As(err, &c) && c.Conflict()
}

// compare reads again what was applied.
func compare(ctx context.Context, r Resource) error {
	left, err := look(ctx, r)
	if err != nil {
		return fmt.Errorf("compare after applying: %w", err)
	}
	if left.Empty() {
		return nil
	}
	if left.Action == Refuse {
		return fmt.Errorf("apply %s: accepted, but now refused: %s", r.Name(), left.Stop)
	}
	var paths []string
	for _, f := range left.Fields {
		paths = append(paths, f.Path)
	}
	return fmt.Errorf("apply %s: accepted, but read again it still differs in %s", r.Name(), strings.Join(paths, ", "))
}
