package cloudflaretest

import (
	"net/http"
	"net/netip"
	"strings"
)

// Edge returns the edge: it finds the zone of a request by its host, lets its products have their say, and asks the origin.
func (c *Cloudflare) Edge() http.Handler { return http.HandlerFunc(c.serveEdge) }

func (c *Cloudflare) serveEdge(w http.ResponseWriter, r *http.Request) {
	v := c.newVisit(r)
	h := w.Header()
	h.Set("Server", "cloudflare")
	h.Set("Cf-Ray", v.ray+"-FRA")
	if c.teamOf(v.host) != nil {
		v.teamDomain().write(w)
		return
	}
	if t := c.quickTunnel(v.host); t != nil {
		v.forwardQuick(w, t)
		return
	}
	p, to := v.decide()
	if p != nil {
		p.write(w)
		return
	}
	v.forward(w, to)
}

// decide goes through all that stands before the origin, in the real order, and returns the edge's own answer or where to go on to.
func (v *visit) decide() (*page, target) {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	if p := v.tooLarge(); p != nil {
		return p, target{}
	}
	v.zone = v.c.zoneOf(v.host)
	if _, err := netip.ParseAddr(v.host); err == nil {
		return v.fault(1003), target{}
	}
	if v.zone == nil {
		return v.fault(1001), target{}
	}
	if !v.proxied() {
		return nil, target{gone: true}
	}
	for _, product := range []func() *page{
		v.ownPaths, v.alwaysHTTPS, v.redirectRules, v.configRules, v.accessRules, v.customRules, v.legacyProducts, v.botFight, v.rateLimits,
		v.managedRules, v.superBots, v.access,
	} {
		if p := product(); p != nil {
			return p, target{}
		}
	}
	if p := v.fromCache(); p != nil {
		return p, target{}
	}
	v.ssl = v.setting("ssl")
	v.html.email, v.html.rocket = v.setting("email_obfuscation") == "on", v.setting("rocket_loader") == "on"
	return v.resolve()
}

// zoneOf returns the zone with the longest name that the host is in.
func (c *Cloudflare) zoneOf(host string) (best *zone) {
	for _, z := range c.zones {
		if (host == z.Name || strings.HasSuffix(host, "."+z.Name)) && (best == nil || len(z.Name) > len(best.Name)) {
			best = z
		}
	}
	return best
}

// What of a request is too large, by the limits that are documented.
const (
	longestURL     = 16 << 10
	longestHeader  = 16 << 10
	longestHeaders = 32 << 10
)

var largestBody = map[string]int64{"free": 100 << 20, "pro": 100 << 20, "business": 200 << 20, "enterprise": 500 << 20}

func (v *visit) tooLarge() *page {
	all := 0
	for name, values := range v.r.Header {
		for _, value := range values {
			n := len(name) + len(value) + 4
			if all += n; n > longestHeader {
				return plainError(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
			}
		}
	}
	plan := "free"
	if z := v.c.zoneOf(v.host); z != nil {
		plan = z.Plan
	}
	switch {
	case len(v.r.URL.RequestURI()) > longestURL:
		return plainError(http.StatusRequestURITooLong, "Request-URI Too Large")
	case all > longestHeaders:
		return plainError(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
	case v.r.ContentLength > largestBody[plan]:
		return plainError(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	return nil
}

func plainError(status int, title string) *page {
	return &page{status: status, media: "text/html", body: "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"}
}

// ownPaths are answered by the edge on every host.
func (v *visit) ownPaths() *page {
	if v.r.URL.Path != "/cdn-cgi/trace" {
		return nil
	}
	return &page{status: http.StatusOK, media: "text/plain", body: "fl=1f1\nh=" + v.host + "\nip=" + v.from.IP.String() + "\nvisit_scheme=" + v.scheme +
		"\nuag=" + v.r.UserAgent() + "\ncolo=FRA\nloc=" + v.from.Country + "\n"}
}

func (v *visit) alwaysHTTPS() *page {
	if v.scheme == "https" || v.zone.settings["always_use_https"] != "on" {
		return nil
	}
	return redirect(http.StatusMovedPermanently, "https://"+v.host+v.r.URL.RequestURI())
}
