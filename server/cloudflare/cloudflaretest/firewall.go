package cloudflaretest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// accessModes of IP access rules.
var accessModes = []string{"block", "challenge", "whitelist", "js_challenge", "managed_challenge"}

func listAccessRules(c *call) answer {
	q := c.r.URL.Query()
	l := []map[string]any{}
	for _, d := range c.zone.rules {
		target := inner(d.fields, "configuration")
		if m := q.Get("mode"); m != "" && m != d.text("mode") {
			continue
		}
		if v := q.Get("configuration.value"); v != "" && v != text(target, "value") {
			continue
		}
		l = append(l, copied(d.fields))
	}
	return paged(c, l, 20, 1000)
}

func createAccessRule(c *call) answer {
	b := c.object()
	target := inner(b, "configuration")
	switch {
	case !slices.Contains(accessModes, text(b, "mode")):
		return refused(http.StatusBadRequest, 10001, "firewallaccessrules.api.validation_error:invalid mode")
	case !validTarget(text(target, "target"), text(target, "value")):
		return refused(http.StatusBadRequest, 10001, "firewallaccessrules.api.validation_error:invalid configuration value")
	}
	for _, d := range c.zone.rules {
		if text(inner(d.fields, "configuration"), "value") == text(target, "value") {
			return refused(http.StatusBadRequest, 10009, "firewallaccessrules.api.duplicate_of_existing")
		}
	}
	d := &document{id: c.id(), fields: changed(b, map[string]any{
		"paused": false, "allowed_modes": accessModes, "created_on": at6(c.now), "modified_on": at6(c.now),
		"scope": map[string]any{"id": c.zone.ID, "name": c.zone.Name, "type": "zone"},
	})}
	d.fields["id"] = d.id
	c.zone.rules = append(c.zone.rules, d)
	return found(copied(d.fields))
}

// validTarget: of networks only those of 16 or 24 bits, or 32, 48 and 64 in version 6.
func validTarget(target, value string) bool {
	switch target {
	case "ip", "ip6":
		_, err := netip.ParseAddr(value)
		return err == nil
	case "ip_range":
		n, err := netip.ParsePrefix(value)
		return err == nil && slices.Contains(map[bool][]int{true: {16, 24}, false: {32, 48, 64}}[n.Addr().Is4()], n.Bits())
	case "asn":
		_, ok := integer(strings.TrimPrefix(strings.ToUpper(value), "AS"))
		return ok
	case "country":
		return len(value) == 2
	}
	return false
}

func getAccessRule(c *call) answer {
	if d := find(c.zone.rules, c.at["rule"]); d != nil {
		return found(copied(d.fields))
	}
	return noAccessRule()
}

func noAccessRule() answer {
	return refused(http.StatusNotFound, 10001, "firewallaccessrules.api.not_found")
}

func editAccessRule(c *call) answer {
	d, b := find(c.zone.rules, c.at["rule"]), c.object()
	switch mode := text(b, "mode"); {
	case d == nil:
		return noAccessRule()
	case mode != "" && !slices.Contains(accessModes, mode):
		return refused(http.StatusBadRequest, 10001, "firewallaccessrules.api.validation_error:invalid mode")
	case mode != "":
		d.fields["mode"] = mode
	}
	if notes, ok := b["notes"]; ok {
		d.fields["notes"] = notes
	}
	d.fields["modified_on"] = at6(c.now)
	return found(copied(d.fields))
}

func deleteAccessRule(c *call) answer {
	if find(c.zone.rules, c.at["rule"]) == nil {
		return noAccessRule()
	}
	c.zone.rules = without(c.zone.rules, c.at["rule"])
	return found(map[string]any{"id": c.at["rule"]})
}
