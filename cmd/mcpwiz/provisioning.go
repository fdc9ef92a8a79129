package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// A provisioning is what setup and demo do with a connection: in Keycloak, and at Cloudflare where it is exposed there.
type provisioning struct {
	program    *program
	connection plan.Connection
	// path is the connection's file, beside which secrets and journal are kept.
	path string
	// signIn says who signs in; nil asks the environment and the person.
	signIn func(context.Context, plan.Keycloak) (keycloak.Options, error)

	// only is the prefix of the resources that it is about; empty: all.
	only string

	admin   *keycloak.Admin
	secrets *plan.Secrets
	// edge is Cloudflare, where there is a token for it; site is the connection there, where it is exposed there.
	edge *cloudflare.API
	site *cloudflare.Site
	// runToken is the file with the token that the tunnel runs with, once it is kept here.
	runToken  string
	resources []plan.Resource
	plan      plan.Plan
}

// look signs in and plans.
func (s *provisioning) look(ctx context.Context) (err error) {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.resources, s.plan, err = plan.LookNeeded(ctx, s.resources)
	return err
}

// begin signs in where something is to be done. The public names come before what is behind them.
func (s *provisioning) begin(ctx context.Context) (err error) {
	if s.secrets, err = plan.LoadSecrets(plan.SecretsPath(s.path)); err != nil {
		return err
	}
	if err := s.beginExpose(ctx); err != nil {
		return err
	}
	if s.only == cloudflarePrefix {
		return nil
	}
	return s.beginKeycloak(ctx)
}

// beginExpose opens Cloudflare where the connection is exposed there, or somebody gives a token: what stands in the way of clients
// can be read and changed whoever brings the server to the edge.
func (s *provisioning) beginExpose(ctx context.Context) (err error) {
	byAPI := s.connection.Expose.ByAPI()
	if s.only == keycloakPrefix || !byAPI && !s.program.cloudflareGiven() {
		return nil
	}
	if s.edge, err = s.program.cloudflare(ctx); err != nil {
		return err
	}
	if byAPI {
		if s.resources, s.site, err = s.edge.Resources(ctx, s.connection); err != nil {
			return err
		}
	}
	rules, err := s.edge.RuleResources(ctx, s.connection)
	s.resources = append(s.resources, rules...)
	return err
}

func (s *provisioning) beginKeycloak(ctx context.Context) (err error) {
	signIn := s.signIn
	if signIn == nil {
		signIn = func(ctx context.Context, k plan.Keycloak) (keycloak.Options, error) {
			return s.program.administrator(ctx, k, s.secrets)
		}
	}
	who, err := signIn(ctx, s.connection.Defaults().Keycloak)
	if err != nil {
		return err
	}
	if s.admin, err = s.program.login(ctx, who); err != nil {
		return err
	}
	if err := s.admin.Learn(ctx); err != nil {
		return err
	}
	all, err := keycloak.Resources(s.admin, s.connection, s.secrets, s.program.profileOf)
	if err != nil {
		return usage("", "%w", err)
	}
	s.resources = append(s.resources, all...)
	return nil
}

// apply applies the plan, tells how far it is, and on the way out what is in place.
func (s *provisioning) apply(ctx context.Context) error {
	p, made := s.program, 0
	err := s.applyPlan(ctx, s.plan, func(at plan.Progress) {
		switch {
		case !at.Done || at.Change.Empty():
		case at.Err != nil:
			p.say("  %s %s", p.mark(false), at.Change.Resource)
		default:
			made++
			p.say("  %s %s  %s", p.mark(true), at.Change.Resource, pastOf[at.Change.Action])
		}
	})
	if err == nil {
		return nil
	}
	hint := fmt.Sprintf("%d of %d changes are in place; what was changed is in %s\nthe same command goes on where this one stopped",
		made, changes(s.plan), plan.JournalPath(s.path))
	if made > 0 {
		hint += "\nmcpwiz undo puts back what was"
	}
	if ctx.Err() != nil {
		p.say("%s", hint)
		return err
	}
	switch {
	case errors.Is(err, plan.ErrMoved):
		hint = "somebody else changes the same at the same time\n" + hint
	case errors.Is(err, plan.ErrLocked):
		hint = hintLocked
	}
	return failed(err, hint)
}

// applyPlan makes the changes of a plan that look made.
func (s *provisioning) applyPlan(ctx context.Context, p plan.Plan, told func(plan.Progress)) error {
	return plan.Apply(ctx, s.resources, p, s.journal(), told)
}

// journal is that of a new run.
func (s *provisioning) journal() *plan.Journal {
	j := plan.OpenJournal(plan.JournalPath(s.path))
	j.Place = s.place()
	return j
}

var pastOf = map[plan.Action]string{plan.Create: "made", plan.Update: "changed", plan.Delete: "deleted"}

func changes(of plan.Plan) int {
	n := 0
	for _, c := range of.Changes {
		if !c.Empty() {
			n++
		}
	}
	return n
}
