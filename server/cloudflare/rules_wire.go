package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/rulesets"
)

// The phases of the Ruleset Engine that can stand in a client's way.
const (
	phaseRedirect  = "http_request_dynamic_redirect"
	phaseConfig    = "http_config_settings"
	phaseCustom    = "http_request_firewall_custom"
	phaseRateLimit = "http_ratelimit"
	phaseManaged   = "http_request_firewall_managed"
	phaseSuperBots = "http_request_sbfm"
	phaseCache     = "http_request_cache_settings"
)

// Permissions as the dashboard names them, without their level.
const (
	permWAF       = "Zone · Zone WAF"
	permRedirects = "Zone · Single Redirect"
	permConfig    = "Zone · Config Rules"
	permCache     = "Zone · Cache Rules"
	permBots      = "Zone · Bot Management"
	permSettings  = "Zone · Zone Settings"
	permFirewall  = "Zone · Firewall Services"
	permDNS       = "Zone · DNS"
	permAnalytics = "Zone · Analytics"
	permAccess    = "Account · Access: Apps and Policies"
	permPages     = "Zone · Page Rules"
	// permZoneAccess is for applications that hang on a zone; few tokens have it, and few zones such applications.
	permZoneAccess = "Zone · Access: Apps and Policies"
	levelRead      = " · Read"
	levelEdit      = " · Edit"
)

// permissionOf says what reading a phase takes.
var permissionOf = map[string]string{
	phaseCustom: permWAF, phaseRateLimit: permWAF, phaseManaged: permWAF, phaseRedirect: permRedirects, phaseConfig: permConfig, phaseCache: permCache,
}

// A ruleset is the entry point of a phase, its rules in their order.
type ruleset struct {
	ID    string `json:"id"`
	Rules []rule `json:"rules"`
}

// A rule is what we read of one; whole is all that it is.
type rule struct {
	ID          string     `json:"id"`
	Ref         string     `json:"ref"`
	Description string     `json:"description"`
	Action      string     `json:"action"`
	Expression  string     `json:"expression"`
	Enabled     *bool      `json:"enabled"`
	Parameters  parameters `json:"action_parameters"`
	RateLimit   *struct {
		Period   int `json:"period"`
		Requests int `json:"requests_per_period"`
	} `json:"ratelimit"`
	LastUpdated time.Time `json:"last_updated"`

	whole json.RawMessage
}

// parameters are those of skip, redirect, set_config and set_cache_settings that say something here.
type parameters struct {
	Phases        []string `json:"phases"`
	Products      []string `json:"products"`
	Ruleset       string   `json:"ruleset"`
	BIC           *bool    `json:"bic"`
	SecurityLevel string   `json:"security_level"`
	RocketLoader  *bool    `json:"rocket_loader"`
	Cache         *bool    `json:"cache"`
	From          struct {
		Status int `json:"status_code"`
		Target struct {
			Value      string `json:"value"`
			Expression string `json:"expression"`
		} `json:"target_url"`
	} `json:"from_value"`
}

func (r *rule) UnmarshalJSON(data []byte) error {
	type plain rule
	if err := json.Unmarshal(data, (*plain)(r)); err != nil {
		return err
	}
	r.whole = append(json.RawMessage(nil), data...)
	return nil
}

func (r rule) enabled() bool { return r.Enabled == nil || *r.Enabled }

// name is what an operator knows a rule by.
func (r rule) name() string { return cmp.Or(r.Description, r.Ref, r.ID) }

// entrypoint returns the rules of a phase; none, with no id, where there never was one.
func (a *API) entrypoint(ctx context.Context, zone, phase string) (ruleset, error) {
	var e struct{ Result ruleset }
	var p rulesets.PhaseGetParams
	p.ZoneID.Value = zone
	_, err := rulesets.NewPhaseService(a.options()...).Get(ctx, rulesets.Phase(phase), p, option.WithResponseBodyInto(&e))
	if statusOf(err) == http.StatusNotFound {
		return ruleset{}, nil
	}
	return e.Result, a.failed("read the rules of phase "+phase, permissionOf[phase]+levelRead, err)
}

// addRule puts a rule before all others of a phase, which it makes where there is none.
func (a *API) addRule(ctx context.Context, zone, phase string, in ruleset, fields map[string]any) error {
	call := "add the rule " + strconv.Quote(fields["description"].(string))
	if in.ID == "" {
		var p rulesets.RulesetNewParams
		p.ZoneID.Value = zone
		body := map[string]any{"name": "default", "kind": "zone", "phase": phase, "rules": []any{fields}}
		_, err := rulesets.NewRulesetService(a.options()...).New(ctx, p, sending(body)...)
		return a.failed(call, permissionOf[phase]+levelEdit, err)
	}
	body := map[string]any{"position": map[string]any{"index": 1}}
	for name, v := range fields {
		body[name] = v
	}
	p := rulesets.RuleNewParams{Body: rulesets.RuleNewParamsBodySkipRule{}}
	p.ZoneID.Value = zone
	_, err := rulesets.NewRuleService(a.options()...).New(ctx, in.ID, p, sending(body)...)
	return a.failed(call, permissionOf[phase]+levelEdit, err)
}

// editRule replaces a rule's definition; where it stands it stays.
func (a *API) editRule(ctx context.Context, zone, phase, set string, r rule, fields any) error {
	p := rulesets.RuleEditParams{Body: rulesets.RuleEditParamsBodySkipRule{}}
	p.ZoneID.Value = zone
	_, err := rulesets.NewRuleService(a.options()...).Edit(ctx, set, r.ID, p, sending(fields)...)
	return a.failed("change the rule "+strconv.Quote(r.name()), permissionOf[phase]+levelEdit, err)
}

func (a *API) deleteRule(ctx context.Context, zone, phase, set string, r rule) error {
	var p rulesets.RuleDeleteParams
	p.ZoneID.Value = zone
	_, err := rulesets.NewRuleService(a.options()...).Delete(ctx, set, r.ID, p, option.WithResponseBodyInto(new(json.RawMessage)))
	return a.failed("delete the rule "+strconv.Quote(r.name()), permissionOf[phase]+levelEdit, err)
}

// sending are the options of a call with a body of ours, whose answer says no more than that it was taken.
func sending(body any) []option.RequestOption {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // it was made of JSON's own kinds
	}
	return []option.RequestOption{option.WithRequestBody("application/json", data), option.WithResponseBodyInto(new(json.RawMessage))}
}

// definition is what of a rule can be written back: all but what Cloudflare adds.
func (r rule) definition() (map[string]any, error) {
	var fields map[string]any
	if err := json.Unmarshal(r.whole, &fields); err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "version", "last_updated", "categories"} {
		delete(fields, name)
	}
	return fields, nil
}
