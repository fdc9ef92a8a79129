package cloudflaretest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	zoneTagLiteral = regexp.MustCompile(`zoneTag\s*:\s*(?:"([0-9a-f]+)"|\$(\w+))`)
	limitLiteral   = regexp.MustCompile(`limit\s*:\s*(\d+)`)
	filterName     = regexp.MustCompile(`firewallEventsAdaptive\s*\([^{]*?filter\s*:\s*(?:\$(\w+)|(\{))`)
	selection      = regexp.MustCompile(`firewallEventsAdaptive\s*\((?s:.*?)\)\s*\{([^{}]*)\}`)
	pair           = regexp.MustCompile(`(\w+)\s*:\s*(?:"([^"]*)"|(\d+)|\$(\w+))`)
)

// oldestEvents is how far back the plans may look.
var oldestEvents = map[string]time.Duration{"free": 24 * time.Hour, "pro": 24 * time.Hour, "business": 72 * time.Hour, "enterprise": 720 * time.Hour}

// graphql answers the one question that is asked here: the firewall events of a zone. It reads the filter from the query's variables
// or from what stands in the query.
func graphql(c *call) answer {
	var b struct {
		Query     string
		Variables map[string]any
	}
	if json.Unmarshal(c.body, &b) != nil || !strings.Contains(b.Query, "firewallEventsAdaptive") {
		return graphqlError(nil, "parse", "error parsing args for \"viewer\": unknown field")
	}
	z := c.Cloudflare.zone(zoneTag(b.Query, b.Variables))
	if z == nil || !c.token.sees(z) || !c.ownAccount(z.owner) || !c.token.may(ZoneAnalytics, "Read") {
		return graphqlError(nil, "authz", "not authorized for that zone")
	}
	filter := eventFilter(b.Query, b.Variables)
	if since := text(filter, "datetime_geq") + text(filter, "datetime_gt"); since == "" {
		return graphqlError(nil, "quota", "cannot request data without a datetime filter")
	} else if t, err := time.Parse(time.RFC3339Nano, since); err == nil && c.now.Sub(t) > oldestEvents[z.Plan]+time.Minute {
		return graphqlError(nil, "quota", "cannot request data older than "+oldestEvents[z.Plan].String())
	}
	limit := 10000
	if m := limitLiteral.FindStringSubmatch(b.Query); m != nil {
		if n, ok := integer(m[1]); ok {
			limit = int(n)
		}
	}
	events, unknown := chosen(b.Query, c.eventsOf(z, filter, limit, strings.Contains(b.Query, "datetime_DESC")))
	if unknown != "" {
		return graphqlError(nil, "parse", "unknown field \""+unknown+"\"")
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"data":   map[string]any{"viewer": map[string]any{"zones": []any{map[string]any{"firewallEventsAdaptive": events}}}},
		"errors": nil,
	}}
}

// eventFields are those that there are.
var eventFields = []string{
	"action", "source", "ruleId", "rulesetId", "description", "kind", "rayName", "datetime", "userAgent", "clientIP", "clientAsn", "clientCountryName",
	"clientRequestHTTPHost", "clientRequestPath", "clientRequestQuery", "clientRequestHTTPMethodName", "clientRequestHTTPProtocol",
	"clientRequestScheme", "edgeColoName", "edgeResponseStatus", "originResponseStatus", "sampleInterval", "ref",
}

// chosen keeps of each event the fields that the query asks for.
func chosen(query string, events []map[string]any) ([]map[string]any, string) {
	m := selection.FindStringSubmatch(query)
	if m == nil {
		return events, ""
	}
	names := strings.Fields(strings.ReplaceAll(m[1], ",", " "))
	for _, name := range names {
		if !slices.Contains(eventFields, name) {
			return nil, name
		}
	}
	l := []map[string]any{}
	for _, e := range events {
		one := map[string]any{}
		for _, name := range names {
			one[name] = e[name]
		}
		l = append(l, one)
	}
	return l, ""
}

func zoneTag(query string, variables map[string]any) string {
	m := zoneTagLiteral.FindStringSubmatch(query)
	switch {
	case m == nil:
		return ""
	case m[1] != "":
		return m[1]
	}
	return text(variables, m[2])
}

func eventFilter(query string, variables map[string]any) map[string]any {
	m := filterName.FindStringSubmatchIndex(query)
	if m == nil {
		return nil
	}
	if m[2] >= 0 {
		return inner(variables, query[m[2]:m[3]])
	}
	rest := query[m[4]:]
	if end := strings.IndexByte(rest, '}'); end >= 0 {
		rest = rest[:end]
	}
	f := map[string]any{}
	for _, p := range pair.FindAllStringSubmatch(rest, -1) {
		switch {
		case p[4] != "":
			f[p[1]] = variables[p[4]]
		case p[3] != "":
			n, _ := integer(p[3])
			f[p[1]] = float64(n)
		default:
			f[p[1]] = p[2]
		}
	}
	return f
}
