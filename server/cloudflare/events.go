package cloudflare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Kinds of facts that Events tells: one for each event, and one that says how many there are.
const (
	EventKind  = "firewall-event"
	EventsKind = "firewall-events"
)

// lastHour is how far back events are looked at, and mostEvents how many, the newest first.
const (
	lastHour   = time.Hour
	mostEvents = 500
)

// eventsQuery asks for what the firewall did at one host. Who came, from which address and with which query is not asked for. The
// values stand in the query itself: what the types of variables are called differs between the documentation and the schema.
const eventsQuery = `{ viewer { zones(filter: {zoneTag: %s}) {
  firewallEventsAdaptive(filter: {clientRequestHTTPHost: %s, datetime_geq: %s, datetime_leq: %s}, limit: %d, orderBy: [datetime_DESC]) {
    action source ruleId rulesetId description rayName datetime userAgent clientRequestPath clientRequestHTTPMethodName
  }
} } }`

// A firewallRow is one event as the API has it.
type firewallRow struct {
	Action      string    `json:"action"`
	Source      string    `json:"source"`
	Rule        string    `json:"ruleId"`
	Ruleset     string    `json:"rulesetId"`
	Description string    `json:"description"`
	Ray         string    `json:"rayName"`
	At          time.Time `json:"datetime"`
	Agent       string    `json:"userAgent"`
	Path        string    `json:"clientRequestPath"`
	Method      string    `json:"clientRequestHTTPMethodName"`
}

// Events tells what the firewall did in the last hour at the hosts that a handshake with the target meets, on the paths that clients
// need. A token that may not read it is told as a fact too.
func (a *API) Events(c plan.Connection, target string) probe.Informant {
	return func(ctx context.Context, _, to time.Time, note func(probe.Fact)) error {
		of, err := a.zonesOf(ctx, c, target)
		if err != nil {
			return err
		}
		var failures error
		if len(of) == 0 {
			note(probe.Fact{Kind: EventsKind, Source: "cloudflare api", At: a.now(), Data: map[string]any{"count": 0, "no_zone": true}})
		}
		for _, z := range of {
			for _, s := range z.surfaces {
				rows, err := a.firewallEvents(ctx, z.zone.ID, s.host, to)
				summary := map[string]any{"host": s.host, "zone": z.zone.Name, "count": 0}
				switch {
				case lacksPermission(err):
					summary["permission"] = permAnalytics + levelRead
				case err != nil:
					failures = errors.Join(failures, err)
					continue
				}
				n := 0
				for _, row := range rows {
					if !s.needs(row.Path) {
						continue
					}
					n++
					note(probe.Fact{Kind: EventKind, Source: "cloudflare api", At: row.At, Data: row.data(z.zone, s)})
				}
				summary["count"] = n
				note(probe.Fact{Kind: EventsKind, Source: "cloudflare api", At: a.now(), Data: summary})
			}
		}
		return failures
	}
}

// needs: a path is one that clients or their users' browsers ask for.
func (s surface) needs(path string) bool {
	v := visit{host: s.host, path: path}
	for _, page := range s.pages {
		if strings.HasPrefix(path, page) {
			return true
		}
	}
	return holds(s.expression(), v).truth == yes
}

func (r firewallRow) data(z Zone, s surface) map[string]any {
	product := r.product()
	data := map[string]any{
		"ray": strings.ToLower(r.Ray), "action": r.Action, "source": r.Source, "rule_id": r.Rule, "ruleset_id": r.Ruleset, "product": product,
		"description": clip(r.Description), "user_agent": clip(r.Agent), "method": r.Method, "path": clip(r.Path), "host": s.host,
		"time": r.At.UTC().Format(time.RFC3339),
	}
	for _, one := range []struct{ products, resource string }{
		{"block-ai-bots super-bot-fight-mode security-level browser-check", ruleResource(s.host)}, {"access", accessResource(s.host)},
		{"ai-crawl-control", crawlResource(z.Name)}, {"bot-fight-mode", botsResource(z.Name)},
	} {
		for _, p := range strings.Fields(one.products) {
			if p == product {
				data["resource"] = one.resource
			}
		}
	}
	return data
}

// blockAIBotsRule and crawlControlRuleset are by which ids operators have seen the two in their logs.
const (
	blockAIBotsRule     = "7bd01eeccb6b420fa0be30264603a5cb"
	crawlControlRuleset = "b39ba0e9231f4bc09f3889802315ed1b"
)

// productsOf are the products that log under a source.
var productsOf = map[string]string{
	"botfight": "bot-fight-mode", "sbfm": "super-bot-fight-mode", "botmanagement": "super-bot-fight-mode", "bic": "browser-check",
	"securitylevel": "security-level", "firewallcustom": "custom-rule", "firewallrules": "custom-rule", "ratelimit": "rate-limit", "ip": "ip-access-rule",
	"ipcountry": "ip-access-rule", "country": "ip-access-rule", "asn": "ip-access-rule", "iprange": "ip-access-rule", "firewallmanaged": "managed-waf", "waf": "managed-waf",
	"access": "access",
}

// product is which of Cloudflare's products logged an event, "" for one that is not known here.
func (r firewallRow) product() string {
	source := strings.ToLower(r.Source)
	said := strings.ToLower(r.Description)
	switch {
	case strings.HasPrefix(said, "ai crawl control") || r.Ruleset == crawlControlRuleset:
		return "ai-crawl-control"
	case r.Rule == blockAIBotsRule || strings.Contains(said, "ai bots"):
		return "block-ai-bots"
	}
	return productsOf[source]
}

// firewallEvents asks for those of a host. It is GraphQL, for which the SDK has no service; it is asked again as its calls are.
func (a *API) firewallEvents(ctx context.Context, zone, host string, to time.Time) ([]firewallRow, error) {
	const call = "read the firewall's events"
	query := fmt.Sprintf(eventsQuery, quote(zone), quote(host), quote(to.Add(-lastHour).UTC().Format(time.RFC3339)),
		quote(to.Add(time.Minute).UTC().Format(time.RFC3339)), mostEvents)
	body, err := json.Marshal(map[string]any{"query": query})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	var said struct {
		Data struct {
			Viewer struct {
				Zones []struct {
					Events []firewallRow `json:"firewallEventsAdaptive"`
				}
			}
		}
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := a.graphql(ctx, call, body, &said); err != nil {
		return nil, err
	}
	if len(said.Errors) > 0 {
		e := said.Errors[0]
		if e.Extensions.Code == "authz" || strings.Contains(e.Message, "not authorized") {
			return nil, &Error{Call: call, Status: http.StatusForbidden, Message: clip(e.Message), Permission: permAnalytics + levelRead}
		}
		return nil, fmt.Errorf("%s: %s", call, clip(e.Message))
	}
	if len(said.Data.Viewer.Zones) == 0 {
		return nil, nil
	}
	return said.Data.Viewer.Zones[0].Events, nil
}

// maxEvents is far above the largest answer there is.
const maxEvents = 8 << 20

func (a *API) graphql(ctx context.Context, call string, body []byte, into any) error {
	for try := 0; ; try++ {
		status, after, err := a.ask(ctx, body, into)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", call, bare(err))
		case status == http.StatusOK:
			return nil
		case try < retries && (status == http.StatusTooManyRequests || status >= http.StatusInternalServerError):
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", call, ctx.Err())
			case <-time.After(max(after, 200*time.Millisecond<<try)):
			}
		case lacksPermission(&Error{Status: status}):
			return &Error{Call: call, Status: status, Permission: permAnalytics + levelRead}
		default:
			return &Error{Call: call, Status: status}
		}
	}
}

// ask puts the question once, and returns the status and the time that Retry-After says.
func (a *API) ask(ctx context.Context, body []byte, into any) (status int, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.o.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.o.BaseURL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+a.o.Token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "mcpwiz")
	resp, err := a.o.Transport.RoundTrip(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		after = min(time.Duration(seconds)*time.Second, time.Minute)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, after, nil
	}
	return resp.StatusCode, 0, json.NewDecoder(io.LimitReader(resp.Body, maxEvents)).Decode(into)
}

// clip keeps what comes from outside from filling or driving a terminal.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}
