package cloudflare

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/firewall"
	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/zones"
)

// zoneSettings are those that say something of what comes to the server and goes back.
var zoneSettings = []string{
	"security_level", "browser_check", "always_use_https", "ssl", "min_tls_version", "rocket_loader", "email_obfuscation", "websockets",
}

// A standing is what of a zone stands between clients and its hosts, as far as the token may see it.
type standing struct {
	zone      Zone
	phases    map[string]ruleset
	bots      map[string]any
	settings  map[string]string
	apps      []application
	ip        []ipRule
	records   []record
	pageRules []pageRule
	// lacks has, by what was asked for, the permission without which it could not be seen.
	lacks map[string]string
}

// An ipRule is an IP access rule.
type ipRule struct {
	ID            string `json:"id"`
	Mode          string `json:"mode"`
	Notes         string `json:"notes"`
	Paused        bool   `json:"paused"`
	Configuration struct {
		Target string `json:"target"`
		Value  string `json:"value"`
	} `json:"configuration"`
}

// A record is a DNS record of a host.
type record struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content string `json:"content"`
	Proxied bool   `json:"proxied"`
}

// Parts of a standing, as facts of what cannot be read name them besides phases.
const (
	partBots     = "bot management"
	partSettings = "zone settings"
	partAccess   = "Access applications"
	partIP       = "IP access rules"
	partRecords  = "DNS records"
	partPages    = "page rules"
)

// atOnce is how many questions are put to the API at once.
const atOnce = 6

// stand reads these parts, or all that there are. What the token may not see is noted, any other failure ends it.
func (a *API) stand(ctx context.Context, zone Zone, hosts []string, parts ...string) (*standing, error) {
	s := &standing{zone: zone, phases: map[string]ruleset{}, settings: map[string]string{}, lacks: map[string]string{}}
	r := reading{s: s, only: parts, may: make(chan struct{}, atOnce)}
	for _, phase := range []string{phaseCustom, phaseRateLimit, phaseManaged, phaseRedirect, phaseConfig, phaseCache} {
		r.part(phase, permissionOf[phase], func() (func(), error) {
			set, err := a.entrypoint(ctx, zone.ID, phase)
			return func() { s.phases[phase] = set }, err
		})
	}
	r.part(partBots, permBots, func() (func(), error) {
		bots, err := a.bots(ctx, zone.ID)
		return func() { s.bots = bots }, err
	})
	for _, name := range zoneSettings {
		r.part(partSettings, permSettings, func() (func(), error) {
			v, err := a.setting(ctx, zone.ID, name)
			return func() { s.settings[name] = v }, err
		})
	}
	r.part(partAccess, permAccess, func() (func(), error) {
		apps, err := a.applications(ctx, zone.AccountID)
		if err != nil {
			return nil, err
		}
		older, err := a.zoneApplications(ctx, zone.ID)
		if lacksPermission(err) || statusOf(err) == http.StatusNotFound {
			err = nil // seldom given, and seldom needed
		}
		return func() { s.apps = append(apps, older...) }, err
	})
	r.part(partPages, permPages, func() (func(), error) {
		rules, err := a.pageRules(ctx, zone.ID)
		return func() { s.pageRules = rules }, err
	})
	r.part(partIP, permFirewall, func() (func(), error) {
		rules, err := a.ipRules(ctx, zone.ID)
		return func() { s.ip = rules }, err
	})
	for _, host := range hosts {
		r.part(partRecords, permDNS, func() (func(), error) {
			records, err := a.recordsOf(ctx, zone.ID, host)
			return func() { s.records = append(s.records, records...) }, err
		})
	}
	r.all.Wait()
	return s, r.err
}

// A reading reads several parts at once.
type reading struct {
	s    *standing
	only []string
	all  sync.WaitGroup
	may  chan struct{}
	mu   sync.Mutex
	err  error
}

func (r *reading) part(name, permission string, read func() (func(), error)) {
	if len(r.only) > 0 && !slices.Contains(r.only, name) {
		return
	}
	r.all.Go(func() {
		r.may <- struct{}{}
		keep, err := read()
		<-r.may
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case err == nil:
			keep()
		case lacksPermission(err):
			r.s.lacks[name] = permission + levelRead
		case r.err == nil:
			r.err = err
		}
	})
}

func (a *API) setting(ctx context.Context, zone, name string) (string, error) {
	var e struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
	}
	var p zones.SettingGetParams
	p.ZoneID.Value = zone
	_, err := zones.NewSettingService(a.options()...).Get(ctx, name, p, option.WithResponseBodyInto(&e))
	v, _ := e.Result.Value.(string)
	return v, a.failed("read the zone's setting "+name, permSettings+levelRead, err)
}

func (a *API) setSetting(ctx context.Context, zone, name, value string) error {
	p := zones.SettingEditParams{Body: zones.SettingEditParamsBody{}}
	p.ZoneID.Value = zone
	_, err := zones.NewSettingService(a.options()...).Edit(ctx, name, p, sending(map[string]any{"value": value})...)
	return a.failed("change the zone's setting "+name, permSettings+levelEdit, err)
}

func (a *API) ipRules(ctx context.Context, zone string) ([]ipRule, error) {
	var all []ipRule
	for page := 1; ; page++ {
		var e struct {
			Result []ipRule `json:"result"`
			Info   struct {
				TotalPages int `json:"total_pages"`
			} `json:"result_info"`
		}
		var p firewall.AccessRuleListParams
		p.ZoneID.Value = zone
		_, err := firewall.NewAccessRuleService(a.options()...).List(ctx, p, option.WithQuery("page", strconv.Itoa(page)),
			option.WithQuery("per_page", strconv.Itoa(perPage)), option.WithResponseBodyInto(&e))
		if err != nil {
			return nil, a.failed("list the IP access rules", permFirewall+levelRead, err)
		}
		all = append(all, e.Result...)
		if page >= e.Info.TotalPages || len(e.Result) == 0 {
			return all, nil
		}
	}
}

// recordsOf are the records of one host; of others nothing is asked.
func (a *API) recordsOf(ctx context.Context, zone, host string) ([]record, error) {
	var e struct{ Result []record }
	var p dns.RecordListParams
	p.ZoneID.Value = zone
	_, err := dns.NewRecordService(a.options()...).List(ctx, p, option.WithQuery("name.exact", host), option.WithResponseBodyInto(&e))
	var of []record
	for _, r := range e.Result {
		if r.Name == host {
			of = append(of, r)
		}
	}
	return of, a.failed("list the DNS records of "+host, permDNS+levelRead, err)
}

// lacksPermission: the API refused for a right that the token does not have.
func lacksPermission(err error) bool {
	status := statusOf(err)
	return status == http.StatusForbidden || status == http.StatusUnauthorized
}
