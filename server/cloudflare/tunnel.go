package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/shared"
	"github.com/cloudflare/cloudflare-go/v7/zero_trust"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

const permTunnel = "Account · Cloudflare Tunnel"

// A Tunnel is one of an account's.
type Tunnel struct {
	ID, Name string
	// Status is inactive, down, degraded or healthy; it says nothing of what stands behind.
	Status string
	// Local: its rules are in a file on the machine where cloudflared runs, and cannot be read or changed by API.
	Local bool
}

func tunnelOf(t shared.CloudflareTunnel) Tunnel {
	return Tunnel{t.ID, t.Name, string(t.Status), t.ConfigSrc == shared.CloudflareTunnelConfigSrcLocal}
}

// Tunnels are those of an account that were not deleted.
func (a *API) Tunnels(ctx context.Context, account string) ([]Tunnel, error) {
	var all []Tunnel
	var p zero_trust.TunnelCloudflaredListParams
	p.AccountID.Value, p.AccountID.Present = account, true
	p.IsDeleted.Value, p.IsDeleted.Present = false, true
	pages := zero_trust.NewTunnelCloudflaredService(a.options()...).ListAutoPaging(ctx, p)
	for pages.Next() {
		all = append(all, tunnelOf(pages.Current()))
	}
	return all, a.failed("list the tunnels", permTunnel+levelRead, pages.Err())
}

// Tunnel is the one of the connection; nil where it is not there.
func (s *Site) Tunnel(ctx context.Context) (*Tunnel, error) {
	all, err := s.api.Tunnels(ctx, s.Account.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if named := s.c.Expose.Tunnel; t.Name == named || t.ID == named {
			return &t, nil
		}
	}
	return nil, nil
}

// RunToken is what cloudflared runs a tunnel with. Whoever has it can take the tunnel's traffic.
func (a *API) RunToken(ctx context.Context, account, tunnel string) (plan.Secret, error) {
	var p zero_trust.TunnelCloudflaredTokenGetParams
	p.AccountID.Value, p.AccountID.Present = account, true
	token, err := zero_trust.NewTunnelCloudflaredTokenService(a.options()...).Get(ctx, tunnel, p)
	if err != nil {
		return "", a.failed("read the token that the tunnel runs with", permTunnel+levelEdit, err)
	}
	return plan.Secret(*token), nil
}

// tunnel is the tunnel itself: ours where its name begins with OwnTunnel, else one that has to be there.
type tunnel struct{ s *Site }

func (t *tunnel) named() string   { return t.s.c.Expose.Tunnel }
func (t *tunnel) Name() string    { return "cloudflare/tunnel/" + t.named() }
func (t *tunnel) Proof() []string { return []string{"edge.reaches-origin"} }
func (t *tunnel) Place() string   { return t.s.Place() }

func (t *tunnel) Plan(ctx context.Context) (plan.Change, error) {
	have, err := t.s.Tunnel(ctx)
	existing := t.s.c.Expose.Way == plan.WayExistingTunnel
	switch {
	case err != nil:
		return plan.Change{}, err
	case have != nil && (existing || strings.HasPrefix(have.Name, plan.OwnTunnel) || t.s.c.Expose.Adopt):
		return plan.Change{Action: plan.None}, nil
	case have != nil:
		return plan.Change{Action: plan.Refuse, Stop: fmt.Sprintf("a tunnel of the name %s is there that mcpwiz did not make", have.Name),
			Propose: "expose.way: existing-tunnel uses it as it is; or another name in expose.tunnel"}, nil
	case existing:
		all, err := t.s.api.Tunnels(ctx, t.s.Account.ID)
		if err != nil {
			return plan.Change{}, err
		}
		var names []string
		for _, one := range all {
			names = append(names, one.Name)
		}
		return plan.Change{Action: plan.Refuse, Stop: fmt.Sprintf("the account %s has no tunnel %s", t.s.Account.Name, t.named()),
			Propose: "expose.tunnel: one of " + strings.Join(names, ", ") + "; or expose.way: cloudflare, which makes one"}, nil
	}
	return plan.Change{Action: plan.Create, Fields: []plan.Field{{Path: "account", After: t.s.Account.Name}, {Path: "name", After: t.named()}, {Path: "config_src", After: "cloudflare"}}}, nil
}

func (t *tunnel) Apply(ctx context.Context, _ plan.Change) error {
	var p zero_trust.TunnelCloudflaredNewParams
	p.AccountID.Value, p.AccountID.Present = t.s.Account.ID, true
	_, err := zero_trust.NewTunnelCloudflaredService(t.s.api.options()...).New(ctx, p, sending(map[string]any{"name": t.named(), "config_src": "cloudflare"})...)
	return t.s.api.failed("make the tunnel "+t.named(), permTunnel+levelEdit, err)
}

// Undo deletes the tunnel that Apply made, and never one of another name.
func (t *tunnel) Undo(ctx context.Context, c plan.Change) error {
	have, err := t.s.Tunnel(ctx)
	switch {
	case err != nil || c.Action != plan.Create:
		return err
	case have == nil:
		return plan.ErrGone
	case !strings.HasPrefix(have.Name, plan.OwnTunnel) && !namedBy(c, have.Name):
		return plan.ErrNotOurs
	}
	var p zero_trust.TunnelCloudflaredDeleteParams
	p.AccountID.Value, p.AccountID.Present = t.s.Account.ID, true
	_, err = zero_trust.NewTunnelCloudflaredService(t.s.api.options()...).Delete(ctx, have.ID, p, option.WithResponseBodyInto(new(json.RawMessage)))
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	err = t.s.api.failed("delete the tunnel "+have.Name, permTunnel+levelEdit, err)
	if err != nil && have.runs() {
		return fmt.Errorf("%w: %w", errRuns, err)
	}
	return err
}

// errRuns: Cloudflare deletes no tunnel with connections.
var errRuns = errors.New("cloudflared runs it still: stop that first")

// runs reports whether the tunnel has connections.
func (t Tunnel) runs() bool { return t.Status == "healthy" || t.Status == "degraded" }

// Holds names what others have put into the tunnel, which would go with it: rules for hosts that are not ours.
func (t *tunnel) Holds(ctx context.Context, ours func(string) bool) ([]string, error) {
	have, err := t.s.Tunnel(ctx)
	switch {
	case err != nil || have == nil || have.Local:
		return nil, err
	case have.runs():
		return nil, errRuns
	}
	c, err := t.s.api.configurationOf(ctx, t.s.Account.ID, have.ID)
	if err != nil {
		return nil, err
	}
	rules, err := c.ingress()
	var held []string
	for _, r := range rules {
		if r.all() && strings.HasPrefix(r.Service, "http_status:") || slices.Contains(t.s.carried.hosts, r.Hostname) || ours("cloudflare/dns/"+r.Hostname) {
			continue
		}
		held = append(held, fmt.Sprintf("the rule %.120s", r))
	}
	return held, err
}

var _ plan.Holder = (*tunnel)(nil)

// namedBy: the change made a tunnel of that name.
func namedBy(c plan.Change, name string) bool {
	for _, f := range c.Fields {
		if f.Path == "name" && f.After == name {
			return true
		}
	}
	return false
}
