package cloudflaretest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// An event is one that the edge records of what a product did to a request; its names are those of firewallEventsAdaptive.
type event struct {
	zone   *zone
	at     time.Time
	fields map[string]any
}

// keptEvents are how many there are at most: the oldest go.
const keptEvents = 10000

// record keeps an event. The lock is held.
func (c *Cloudflare) record(v *visit, action, source, ruleID, rulesetID, description string) {
	now := c.now().UTC()
	c.events = append(c.events, event{zone: v.zone, at: now, fields: map[string]any{
		"action": action, "source": source, "ruleId": ruleID, "rulesetId": rulesetID, "description": description, "kind": "firewall",
		"rayName": v.ray, "datetime": now.Format(time.RFC3339), "userAgent": v.r.UserAgent(), "clientIP": v.from.IP.String(),
		"clientAsn": v.from.asn(), "clientCountryName": v.from.Country, "clientRequestHTTPHost": v.host, "clientRequestPath": v.r.URL.Path,
		"clientRequestQuery": v.query(), "clientRequestHTTPMethodName": v.r.Method, "clientRequestHTTPProtocol": v.r.Proto,
		"clientRequestScheme": v.scheme, "edgeColoName": "FRA", "edgeResponseStatus": v.status, "originResponseStatus": 0,
		"sampleInterval": 1, "ref": "",
	}})
	if n := len(c.events) - keptEvents; n > 0 {
		c.events = slices.Delete(c.events, 0, n)
	}
}

// events of a zone that pass a filter of GraphQL: fields with _gt, _geq, _lt, _leq, _neq, _in and _like, AND and OR.
func (c *Cloudflare) eventsOf(z *zone, filter map[string]any, limit int, newestFirst bool) []map[string]any {
	l := []map[string]any{}
	for _, e := range c.events {
		if e.zone == z && passes(e.fields, filter) {
			l = append(l, e.fields)
		}
	}
	if newestFirst {
		slices.Reverse(l)
	}
	return l[:min(limit, len(l))]
}

func passes(fields, filter map[string]any) bool {
	for name, want := range filter {
		switch name {
		case "AND":
			for _, f := range asList(want) {
				if m, ok := f.(map[string]any); ok && !passes(fields, m) {
					return false
				}
			}
		case "OR":
			if !slices.ContainsFunc(asList(want), func(f any) bool { m, ok := f.(map[string]any); return ok && passes(fields, m) }) {
				return false
			}
		default:
			if !passesOne(fields, name, want) {
				return false
			}
		}
	}
	return true
}

func passesOne(fields map[string]any, name string, want any) bool {
	field, how := name, ""
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		field, how = name[:i], name[i+1:]
	}
	have := plainText(fields[field])
	w := plainText(want)
	if field == "datetime" {
		w = instant(w)
	}
	switch how {
	case "":
		return have == w
	case "neq":
		return have != w
	case "gt":
		return have > w
	case "geq":
		return have >= w
	case "lt":
		return have < w
	case "leq":
		return have <= w
	case "in":
		return slices.ContainsFunc(asList(want), func(v any) bool { return plainText(v) == have })
	case "like":
		return strings.Contains(have, strings.Trim(w, "%"))
	}
	return false
}

// instant brings a time to the form in which events have theirs.
func instant(s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.UTC().Format(time.RFC3339)
}

func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(encode(v))
}

func graphqlError(zone any, code, message string) answer {
	path := []any{"viewer", "zones", "0", "firewallEventsAdaptive"}
	return answer{status: http.StatusOK, body: map[string]any{"data": zone, "errors": []any{map[string]any{
		"message": message, "path": path, "extensions": map[string]any{"code": code, "timestamp": at6(time.Now())},
	}}}}
}
