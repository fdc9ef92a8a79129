package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

const (
	managed    = "managed by mcpwiz"
	tunnelName = ".cfargotunnel.com"
)

// dnsRecord is the name of a host: a CNAME to the tunnel, proxied.
type dnsRecord struct {
	s    *Site
	t    *tunnel
	host string
}

func (d *dnsRecord) Name() string    { return "cloudflare/dns/" + d.host }
func (d *dnsRecord) Proof() []string { return []string{"network.resolves", "edge.reaches-origin"} }
func (d *dnsRecord) Place() string   { return d.s.Place() }
func (d *dnsRecord) zone() Zone      { return d.s.Zones[d.host] }

// A stored record is what we read of one, and all that it is.
type stored struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content string `json:"content"`
	Proxied bool   `json:"proxied"`
	Comment string `json:"comment"`

	whole json.RawMessage
}

func (s *stored) UnmarshalJSON(data []byte) error {
	type plainly stored
	if err := json.Unmarshal(data, (*plainly)(s)); err != nil {
		return err
	}
	s.whole = append(json.RawMessage(nil), data...)
	return nil
}

// addresses are the records that decide where the host is.
func (d *dnsRecord) addresses(ctx context.Context) ([]stored, error) {
	var e struct {
		Result []stored `json:"result"`
	}
	var p dns.RecordListParams
	p.ZoneID.Value, p.ZoneID.Present = d.zone().ID, true
	_, err := dns.NewRecordService(d.s.api.options()...).List(ctx, p, option.WithQuery("name.exact", d.host), option.WithQuery("per_page", "100"), option.WithResponseBodyInto(&e))
	if err != nil {
		return nil, d.s.api.failed("read the DNS records of "+d.host, permDNS+levelRead, err)
	}
	var all []stored
	for _, r := range e.Result {
		if strings.EqualFold(r.Name, d.host) && (r.Type == "A" || r.Type == "AAAA" || r.Type == "CNAME") {
			all = append(all, r)
		}
	}
	return all, nil
}

// to is where the record leads, in words that are the same before the tunnel has an id and after.
func (d *dnsRecord) to() string { return "tunnel " + d.t.named() }

func (d *dnsRecord) Plan(ctx context.Context) (plan.Change, error) {
	t, err := d.s.Tunnel(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	have, err := d.addresses(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	fields := []plan.Field{{Path: "type", After: "CNAME"}, {Path: "content", After: d.to()}, {Path: "proxied", After: true}}
	switch {
	case len(have) == 0:
		return plan.Change{Action: plan.Create, Fields: fields, Note: d.warning()}, nil
	case len(have) > 1:
		return plan.Change{Action: plan.Refuse, Stop: fmt.Sprintf("%s has %d records already: %s", d.host, len(have), described(have)),
			Propose: "another name for the server; or delete them in Cloudflare's dashboard, DNS, Records"}, nil
	}
	one := have[0]
	leads := one.Type == "CNAME" && t != nil && one.Content == t.ID+tunnelName
	switch {
	case leads && one.Proxied:
		return plan.Change{Action: plan.None, Note: d.warning()}, nil
	case one.Comment != managed && !d.s.c.Expose.Adopt:
		return plan.Change{Action: plan.Refuse, Stop: fmt.Sprintf("%s has a record already that mcpwiz did not make: %s", d.host, described(have)),
			Propose: "expose.adopt: true has mcpwiz change it, and undo put it back; or another name for the server"}, nil
	}
	fields = nil
	for _, f := range []plan.Field{{Path: "type", Before: one.Type, After: "CNAME"}, {Path: "content", Before: one.Content, After: d.to()}, {Path: "proxied", Before: one.Proxied, After: true}} {
		if f.Before != f.After && !(f.Path == "content" && leads) {
			fields = append(fields, f)
		}
	}
	return plan.Change{Action: plan.Update, Fields: fields, Before: one.whole, Note: d.warning()}, nil
}

func described(all []stored) string {
	var said []string
	for _, r := range all {
		one := r.Type + " " + r.Content
		if r.Proxied {
			one += " (proxied)"
		}
		said = append(said, one)
	}
	return strings.Join(said, ", ")
}

// warning is of a zone that is not in force, and of a name that the zone's certificate does not have: it has the zone and one label
// before it.
func (d *dnsRecord) warning() string {
	if z := d.zone(); z.Status != "" && z.Status != "active" {
		return fmt.Sprintf("the zone %s is %s: nobody finds its names until its registrar has the name servers that Cloudflare gave it", z.Name, z.Status)
	}
	label := strings.TrimSuffix(strings.TrimSuffix(d.host, d.zone().Name), ".")
	if !strings.Contains(label, ".") {
		return ""
	}
	return fmt.Sprintf("Universal SSL covers %s and *.%s alone: %s needs an Advanced Certificate, else every client fails at the TLS handshake", d.zone().Name, d.zone().Name, d.host)
}

func (d *dnsRecord) Apply(ctx context.Context, _ plan.Change) error {
	t, err := d.s.Tunnel(ctx)
	if err != nil {
		return err
	}
	if t == nil {
		return fmt.Errorf("write the DNS record of %s: there is no tunnel %s", d.host, d.t.named())
	}
	have, err := d.addresses(ctx)
	if err != nil {
		return err
	}
	body := map[string]any{"type": "CNAME", "name": d.host, "content": t.ID + tunnelName, "proxied": true, "ttl": 1, "comment": managed}
	if len(have) == 0 {
		p := dns.RecordNewParams{Body: dns.RecordNewParamsBody{}}
		p.ZoneID.Value, p.ZoneID.Present = d.zone().ID, true
		_, err = dns.NewRecordService(d.s.api.options()...).New(ctx, p, sending(body)...)
		return d.s.api.failed("add the DNS record of "+d.host, permDNS+levelEdit, err)
	}
	if have[0].Comment != managed { // what it was is another's
		body["comment"] = have[0].Comment
	}
	return d.replace(ctx, have[0].ID, body)
}

func (d *dnsRecord) replace(ctx context.Context, id string, body any) error {
	p := dns.RecordUpdateParams{Body: dns.RecordUpdateParamsBody{}}
	p.ZoneID.Value, p.ZoneID.Present = d.zone().ID, true
	_, err := dns.NewRecordService(d.s.api.options()...).Update(ctx, id, p, sending(body)...)
	return d.s.api.failed("change the DNS record of "+d.host, permDNS+levelEdit, err)
}

// Undo deletes the record that was made, while it is ours, or writes back the one that was changed.
func (d *dnsRecord) Undo(ctx context.Context, c plan.Change) error {
	have, err := d.addresses(ctx)
	switch {
	case err != nil:
		return err
	case len(have) == 0:
		return plan.ErrGone
	case len(have) > 1, c.Action == plan.Create && have[0].Comment != managed:
		return plan.ErrNotOurs
	}
	if c.Action == plan.Create {
		var p dns.RecordDeleteParams
		p.ZoneID.Value, p.ZoneID.Present = d.zone().ID, true
		_, err := dns.NewRecordService(d.s.api.options()...).Delete(ctx, have[0].ID, p, option.WithResponseBodyInto(new(json.RawMessage)))
		if statusOf(err) == http.StatusNotFound {
			return nil
		}
		return d.s.api.failed("delete the DNS record of "+d.host, permDNS+levelEdit, err)
	}
	var was stored
	if err := json.Unmarshal(c.Before, &was); err != nil {
		return fmt.Errorf("read what was before: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(c.Before, &fields); err != nil {
		return fmt.Errorf("read what was before: %w", err)
	}
	body := map[string]any{}
	for _, name := range []string{"type", "name", "content", "proxied", "ttl", "comment", "tags", "settings", "priority", "data"} {
		if v, there := fields[name]; there {
			body[name] = v
		}
	}
	return d.replace(ctx, have[0].ID, body)
}
