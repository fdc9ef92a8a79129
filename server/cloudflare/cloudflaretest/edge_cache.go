package cloudflaretest

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kept is what the cache has of one URL.
type kept struct {
	header http.Header
	body   []byte
	at     time.Time
	life   time.Duration
}

// cachedExtensions are some of those that are cached without a rule: JSON and what has none are not.
var cachedExtensions = []string{".js", ".css", ".png", ".jpg", ".gif", ".svg", ".ico", ".woff2", ".pdf", ".zip", ".webp"}

// largestKept is the largest answer that the small cache takes.
const largestKept = 1 << 20

func (v *visit) cacheKey() string { return v.scheme + "://" + v.host + v.r.URL.RequestURI() }

// cacheable says whether an answer may be kept, and for how long when the rule, not the origin, says so.
func (v *visit) cacheable() (ok bool, life time.Duration) {
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return false, 0
	}
	ok = slices.Contains(cachedExtensions, strings.ToLower(path.Ext(v.r.URL.Path)))
	v.matching(PhaseCache, func(rule *document) (*page, bool) {
		p := inner(rule.fields, "action_parameters")
		if cache, given := p["cache"].(bool); given {
			ok = cache
		}
		if ttl := inner(p, "edge_ttl"); text(ttl, "mode") == "override_origin" {
			life = time.Duration(number(ttl, "default")) * time.Second
		}
		return nil, false
	})
	return ok, life
}

func (v *visit) fromCache() *page {
	if ok, _ := v.cacheable(); !ok {
		return nil
	}
	k, ok := v.c.cached[v.cacheKey()]
	age := v.now.Sub(k.at)
	if !ok || age >= k.life {
		return nil
	}
	p := &page{status: http.StatusOK, media: k.header.Get("Content-Type"), body: string(k.body), header: map[string]string{}}
	for name := range k.header {
		p.header[name] = k.header.Get(name)
	}
	return p.with("Cf-Cache-Status", "HIT").with("Age", strconv.Itoa(int(age/time.Second)))
}

// keep takes an answer into the cache when it may, and says what the header tells of it.
func (v *visit) keep(status int, header http.Header, body []byte) {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	ok, life := v.cacheable()
	control := header.Get("Cache-Control")
	if life == 0 {
		life = 2 * time.Hour
		if i := strings.Index(control, "max-age="); i >= 0 {
			digits := control[i+len("max-age="):]
			if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
				digits = digits[:end]
			}
			n, _ := strconv.Atoi(digits)
			life = time.Duration(n) * time.Second
		}
		private := strings.Contains(control, "no-store") || strings.Contains(control, "private") || strings.Contains(control, "no-cache")
		ok = ok && !private && v.r.Header.Get("Authorization") == "" && header.Get("Set-Cookie") == ""
	}
	if ok && status == http.StatusOK && life > 0 {
		v.c.cached[v.cacheKey()] = kept{header: header.Clone(), body: body, at: v.now, life: life}
	}
}

// cacheStatus is what the header says of an answer that came from the origin.
func (v *visit) cacheStatus() string {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	if ok, _ := v.cacheable(); ok {
		return "MISS"
	}
	return "DYNAMIC"
}

// PurgeCache empties the cache of all zones.
func (c *Cloudflare) PurgeCache() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached = map[string]kept{}
}
