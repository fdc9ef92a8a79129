package cloudflare

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/bot_management"
	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/rulesets"
	"github.com/cloudflare/cloudflare-go/v7/zero_trust"
	"github.com/cloudflare/cloudflare-go/v7/zones"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Wanted are the permissions that exposing a server takes.
var Wanted = []string{permTunnel + levelEdit, permZone + levelRead, permDNS + levelEdit}

// permissionFor returns what a change takes, by the kind of resource, "" for nothing.
func permissionFor(c plan.Change) string {
	if c.Empty() || c.Action == plan.Refuse {
		return ""
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(c.Resource, "cloudflare/"), "/")
	return map[string]string{
		"tunnel": permTunnel, "ingress": permTunnel, "dns": permDNS, "rule": permWAF, "crawl": permWAF, "access": permAccess,
		"bots": permBots, "settings": permSettings,
	}[kind]
}

// May asks which steps of a plan the token may do, by writes that are refused for what they say, and changes nothing: the API
// tells no token what it may do.
func (s *Site) May(ctx context.Context, p plan.Plan) (plan.Permission, error) {
	may := plan.Permission{Who: "the API token"}
	lacking := map[string]bool{}
	for _, c := range p.Changes {
		permission := permissionFor(c)
		if permission == "" {
			continue
		}
		may.Steps++
		lacks, asked := lacking[permission]
		if !asked {
			var err error
			if lacks, err = s.lacks(ctx, permission); err != nil {
				return may, err
			}
			lacking[permission] = lacks
		}
		if lacks {
			may.Lacks = append(may.Lacks, plan.Lack{Resource: c.Resource, Needs: permission + levelEdit})
		}
	}
	return may, nil
}

// lacks makes a write that must be refused in any case. That it is refused for the want of the permission is an answer; for what
// it says, too.
func (s *Site) lacks(ctx context.Context, permission string) (bool, error) {
	call := "ask for the permission " + permission + levelEdit
	err := s.api.failed(call, permission+levelEdit, s.wrongWrite(ctx, permission))
	var refused *Error
	switch {
	case err == nil:
		return false, errors.New(call + ": what had to be refused was not")
	case !errors.As(err, &refused):
		return false, err
	case refused.Permission != "":
		return true, nil
	case refused.Status >= 400 && refused.Status < 500 && refused.Status != http.StatusTooManyRequests:
		return false, nil
	}
	return false, err
}

func (s *Site) wrongWrite(ctx context.Context, permission string) error {
	account, zone, with := s.Account.ID, s.Zones[s.carried.hosts[0]].ID, s.api.options()
	nothing := sending(map[string]any{})
	switch permission {
	case permTunnel:
		var p zero_trust.TunnelCloudflaredNewParams
		p.AccountID.Value, p.AccountID.Present = account, true
		_, err := zero_trust.NewTunnelCloudflaredService(with...).New(ctx, p, nothing...)
		return err
	case permDNS:
		p := dns.RecordNewParams{Body: dns.RecordNewParamsBody{}}
		p.ZoneID.Value, p.ZoneID.Present = zone, true
		_, err := dns.NewRecordService(with...).New(ctx, p, nothing...)
		return err
	case permWAF:
		var p rulesets.RulesetNewParams
		p.ZoneID.Value, p.ZoneID.Present = zone, true
		_, err := rulesets.NewRulesetService(with...).New(ctx, p, sending(map[string]any{ // the phase decides which permission it takes
			"name": "mcpwiz-may-i", "kind": "zone", "phase": phaseCustom, "rules": []any{map[string]any{"action": "mcpwiz-may-i", "expression": "true"}},
		})...)
		return err
	case permAccess:
		p := zero_trust.AccessApplicationNewParams{Body: zero_trust.AccessApplicationNewParamsBodySelfHostedApplication{}}
		p.AccountID.Value, p.AccountID.Present = account, true
		_, err := zero_trust.NewAccessApplicationService(with...).New(ctx, p, nothing...)
		return err
	case permBots:
		p := bot_management.BotManagementUpdateParams{Body: bot_management.BotManagementUpdateParamsBody{}}
		p.ZoneID.Value, p.ZoneID.Present = zone, true
		_, err := bot_management.NewBotManagementService(with...).Update(ctx, p, sending(map[string]any{"fight_mode": "mcpwiz-may-i"})...)
		return err
	}
	p := zones.SettingEditParams{Body: zones.SettingEditParamsBody{}}
	p.ZoneID.Value, p.ZoneID.Present = zone, true
	_, err := zones.NewSettingService(with...).Edit(ctx, "security_level", p, sending(map[string]any{"value": "mcpwiz-may-i"})...)
	return err
}
