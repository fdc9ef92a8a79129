package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// A looked is a plan as it was made with some answers.
type looked struct {
	*provisioning
	at wizard.Answers
}

// A deskRun is the journal of one application: of everything, or of one resource alone.
type deskRun struct {
	only    string
	journal *plan.Journal
}

// provisioningOf is what setup would work with.
func (d *desk) provisioningOf(a wizard.Answers) *provisioning {
	return &provisioning{program: d.as(a), connection: a.Connection, path: d.path,
		signIn: func(_ context.Context, k plan.Keycloak) (keycloak.Options, error) {
			return signsIn(k, a.AdminSecret), nil
		}}
}

// look does what setup does up to the plan; where only names a resource, with that alone.
func (d *desk) look(ctx context.Context, a wizard.Answers, only string) (plan.Plan, error) {
	if err := errors.Join(a.Validate(), d.knownProfiles(a.Connection)); err != nil {
		return plan.Plan{}, err
	}
	s := d.provisioningOf(a)
	if err := s.begin(ctx); err != nil {
		return plan.Plan{}, err
	}
	if only != "" {
		s.resources = slices.DeleteFunc(s.resources, func(r plan.Resource) bool { return r.Name() != only })
		if len(s.resources) == 0 {
			return plan.Plan{}, fmt.Errorf("%s is not in the answers: it is not this connection's to change", only)
		}
		insist(s.resources[0])
	}
	var err error
	if s.resources, s.plan, err = plan.LookNeeded(ctx, s.resources); err != nil {
		return plan.Plan{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked[only] = looked{s, a}
	return s.plan, nil
}

// apply makes the changes of a plan that was looked at with these answers.
func (d *desk) apply(ctx context.Context, a wizard.Answers, only string, p plan.Plan, told func(plan.Progress)) error {
	d.mu.Lock()
	s, known := d.looked[only]
	if !known || !reflect.DeepEqual(s.at, a) {
		d.mu.Unlock()
		return errors.New("the answers are others than those of the plan: look at it again")
	}
	run := deskRun{only, s.journal()}
	d.made = append(d.made, run)
	d.mu.Unlock()
	if err := plan.Apply(ctx, s.resources, p, run.journal, told); err != nil || only != "" {
		return err
	}
	if s.site != nil { // the tunnel may be another than that whose token is kept
		if _, err := s.keepRunToken(ctx); err != nil {
			return err
		}
	}
	return s.settle(run.journal)
}

// settle ends the run before, where all of it turned out to be in place.
func (s *provisioning) settle(j *plan.Journal) error {
	before, err := s.unfinished()
	if len(before) > 0 {
		err = j.Settle(before[0].Run)
	}
	return err
}

// may tells what the administrator may do of a plan that was looked at.
func (d *desk) may(ctx context.Context, a wizard.Answers, only string, p plan.Plan) (tui.Permission, error) {
	d.mu.Lock()
	s := d.looked[only]
	d.mu.Unlock()
	if s.provisioning == nil || p.Empty() {
		return tui.Permission{}, nil
	}
	asked, err := s.provisioning.may(ctx, p)
	var told tui.Permission
	for _, may := range asked {
		if may.Steps == 0 {
			continue
		}
		if told.Text != "" {
			told.Text += "; "
		}
		told.Text += may.String()
		told.Short = told.Short || len(may.Lacks) > 0
	}
	return told, err
}

// proof are the checks that pass once a resource that was looked at alone is in place.
func (d *desk) proof(only string) (checks []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.looked[only]; s.provisioning != nil {
		for _, r := range s.resources {
			checks = append(checks, r.Proof()...)
		}
	}
	return checks
}

// pastOf is what of the journal this wizard has changed: with one resource alone, or with everything and since.
func (d *desk) pastOf(a wizard.Answers, only string) ([]plan.Past, error) {
	here, _, err := d.provisioningOf(a).past()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(here, func(one plan.Past) bool {
		ours := slices.ContainsFunc(d.made, func(r deskRun) bool { return (only == "" || r.only == only) && r.journal.Made(one) })
		return !ours && (only != "" || one.Run != d.before)
	}), err
}

// reversal shows what undo would do.
func (d *desk) reversal(ctx context.Context, a wizard.Answers, all []plan.Past) (plan.Plan, error) {
	s := d.provisioningOf(a)
	if err := s.begin(ctx); err != nil {
		return plan.Plan{}, err
	}
	r := plan.Reversal(all)
	return r, r.NoteMoved(ctx, all, s.resources)
}

// undoes does what undo does. What others have put into what would be deleted keeps it.
func (d *desk) undoes(ctx context.Context, a wizard.Answers, all []plan.Past, told func(plan.Undoing)) error {
	s := d.provisioningOf(a)
	if err := s.begin(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(all, atCloudflare) {
		d.serving.Lock()
		defer d.serving.Unlock()
		if err := d.rest(ctx, s); err != nil {
			return err
		}
	}
	if err := errors.Join(s.outlives(all), plan.Holding(ctx, all, s.find)); err != nil {
		return err
	}
	if err := plan.Undo(ctx, all, s.find, s.journal(), told); err != nil {
		return err
	}
	return s.forgetRunToken(all)
}

// unfinished are the changes of the run before, where that did not come to its end.
func (s *provisioning) unfinished() ([]plan.Past, error) {
	records, err := plan.ReadJournal(plan.JournalPath(s.path))
	all := plan.Unfinished(records)
	here := func(one plan.Past) bool {
		return one.Place == "" || one.Place == s.place() || atCloudflare(one)
	}
	if !slices.ContainsFunc(all, here) {
		return nil, err
	}
	return all, err
}
