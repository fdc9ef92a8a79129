package cloudflare

import (
	"context"
	"encoding/json"

	"github.com/cloudflare/cloudflare-go/v7/bot_management"
	"github.com/cloudflare/cloudflare-go/v7/option"
)

// Fields of a zone's bot management that stand in programs' way.
const (
	fightMode     = "fight_mode"
	aiProtection  = "ai_bots_protection"
	labyrinth     = "crawler_protection"
	contentBots   = "content_bots_protection"
	sbfmAutomated = "sbfm_definitely_automated"
	sbfmLikely    = "sbfm_likely_automated"
	sbfmVerified  = "sbfm_verified_bots"
)

// bots returns a zone's bot management by its fields; which there are depends on the plan.
func (a *API) bots(ctx context.Context, zone string) (map[string]any, error) {
	var e struct{ Result map[string]any }
	var p bot_management.BotManagementGetParams
	p.ZoneID.Value = zone
	_, err := bot_management.NewBotManagementService(a.options()...).Get(ctx, p, option.WithResponseBodyInto(&e))
	return e.Result, a.failed("read the zone's bot management", permBots+levelRead, err)
}

// setBots changes the fields that are given, and no others.
func (a *API) setBots(ctx context.Context, zone string, fields map[string]any) error {
	p := bot_management.BotManagementUpdateParams{Body: bot_management.BotManagementUpdateParamsBody{}}
	p.ZoneID.Value = zone
	_, err := bot_management.NewBotManagementService(a.options()...).Update(ctx, p, sending(fields)...)
	return a.failed("change the zone's bot management", permBots+levelEdit, err)
}

// superBots are the fields of Super Bot Fight Mode that are on, by what they do: block or managed_challenge.
func superBots(bots map[string]any) map[string]string {
	on := map[string]string{}
	for _, name := range []string{sbfmAutomated, sbfmLikely, sbfmVerified} {
		if v, _ := bots[name].(string); v == "block" || v == "managed_challenge" {
			on[name] = v
		}
	}
	return on
}

// wordOf is a field that is a word, or a switch.
func wordOf(bots map[string]any, name string) string {
	switch v := bots[name].(type) {
	case string:
		return v
	case bool:
		return map[bool]string{true: "on", false: "off"}[v]
	case json.Number:
		return v.String()
	}
	return ""
}
