package cloudflaretest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// hosts are the types of which a name has those of one kind only.
var hosts = []string{"A", "AAAA", "CNAME"}

func noRecord() answer { return refused(http.StatusNotFound, 81044, "Record does not exist.") }

func listRecords(c *call) answer {
	q := c.r.URL.Query()
	match := func(d *document, field string) bool {
		value := strings.ToLower(d.text(field))
		for key, how := range map[string]func(a, b string) bool{
			field:                 func(a, b string) bool { return a == b },
			field + ".exact":      func(a, b string) bool { return a == b },
			field + ".contains":   strings.Contains,
			field + ".startswith": strings.HasPrefix,
			field + ".endswith":   strings.HasSuffix,
		} {
			if want := q.Get(key); want != "" && !how(value, strings.ToLower(want)) {
				return false
			}
		}
		return true
	}
	l := []map[string]any{}
	for _, d := range c.zone.records {
		isType := q.Get("type") == "" || q.Get("type") == d.text("type")
		isProxied := q.Get("proxied") == "" || (q.Get("proxied") == "true") == d.truth("proxied")
		if isType && isProxied && match(d, "name") && match(d, "content") && match(d, "comment") {
			l = append(l, copied(d.fields))
		}
	}
	return paged(c, l, 100, 5000)
}

func getRecord(c *call) answer {
	if d := find(c.zone.records, c.at["record"]); d != nil {
		return found(copied(d.fields))
	}
	return noRecord()
}

func createRecord(c *call) answer {
	return c.saveRecord(&document{id: c.id(), fields: map[string]any{"created_on": at6(c.now)}}, c.object())
}

func replaceRecord(c *call) answer {
	d := find(c.zone.records, c.at["record"])
	if d == nil {
		return noRecord()
	}
	return c.saveRecord(&document{id: d.id, fields: map[string]any{"created_on": d.fields["created_on"]}}, c.object())
}

func editRecord(c *call) answer {
	d := find(c.zone.records, c.at["record"])
	if d == nil {
		return noRecord()
	}
	return c.saveRecord(&document{id: d.id, fields: d.fields}, c.object())
}

// saveRecord puts a record in its place when nothing speaks against it.
func (c *call) saveRecord(d *document, by map[string]any) answer {
	d.fields = changed(d.fields, by)
	c.completeRecord(d)
	if refusal := c.refuseRecord(d); refusal != nil {
		return *refusal
	}
	if i := slices.IndexFunc(c.zone.records, func(o *document) bool { return o.id == d.id }); i >= 0 {
		c.zone.records[i] = d
	} else {
		c.zone.records = append(c.zone.records, d)
	}
	return found(copied(d.fields))
}

// completeRecord adds what Cloudflare does: names are whole, a ttl of 1 is automatic.
func (c *call) completeRecord(d *document) {
	f := d.fields
	name := strings.TrimSuffix(strings.ToLower(text(f, "name")), ".")
	switch {
	case name == "" || name == "@":
		name = c.zone.Name
	case name != c.zone.Name && !strings.HasSuffix(name, "."+c.zone.Name):
		name += "." + c.zone.Name
	}
	f["id"], f["name"], f["modified_on"] = d.id, name, at6(c.now)
	f["proxiable"] = slices.Contains(hosts, text(f, "type"))
	f["proxied"] = truth(f, "proxied")
	if number(f, "ttl") == 0 || truth(f, "proxied") {
		f["ttl"] = float64(1)
	}
	for name, empty := range map[string]any{"comment": nil, "tags": []any{}, "meta": map[string]any{}, "settings": map[string]any{}} {
		if _, ok := f[name]; !ok {
			f[name] = empty
		}
	}
}

func (c *call) refuseRecord(d *document) *answer {
	kind, content := d.text("type"), d.text("content")
	if refusal := refuseContent(kind, content, d.truth("proxied")); refusal != nil {
		return refusal
	}
	for _, o := range c.zone.records {
		switch other := o.text("type"); {
		case o.id == d.id || o.text("name") != d.text("name"):
		case other == kind && o.text("content") == content:
			return ptr(refused(http.StatusBadRequest, 81058, "An identical record already exists."))
		case kind == "CNAME" && slices.Contains(hosts, other), other == "CNAME" && slices.Contains(hosts, kind):
			return ptr(refused(http.StatusBadRequest, 81053, "An A, AAAA, or CNAME record with that host already exists."))
		}
	}
	return nil
}

func refuseContent(kind, content string, proxied bool) *answer {
	invalid := func(code int, format string, args ...any) *answer {
		inside := refused(http.StatusBadRequest, code, format, args...).body.(envelope).Errors
		return ptr(refusedAs(http.StatusBadRequest, note{Code: 1004, Message: "DNS Validation Error", Chain: inside}))
	}
	ip, err := netip.ParseAddr(content)
	switch {
	case kind == "":
		return invalid(9004, "DNS record type is invalid.")
	case kind == "A" && (err != nil || !ip.Is4()):
		return ptr(refused(http.StatusBadRequest, 9005, "Content for A record must be a valid IPv4 address."))
	case kind == "AAAA" && (err != nil || !ip.Is6()):
		return ptr(refused(http.StatusBadRequest, 9006, "Content for AAAA record must be a valid IPv6 address."))
	case kind == "CNAME" && (content == "" || err == nil || strings.Contains(content, "/")):
		return ptr(refused(http.StatusBadRequest, 9007, "Content for CNAME record is invalid."))
	case proxied && !slices.Contains(hosts, kind):
		return ptr(refused(http.StatusBadRequest, 9004, "This record type cannot be proxied."))
	}
	return nil
}

func deleteRecord(c *call) answer {
	if find(c.zone.records, c.at["record"]) == nil {
		return noRecord()
	}
	c.zone.records = without(c.zone.records, c.at["record"])
	return found(map[string]any{"id": c.at["record"]})
}
