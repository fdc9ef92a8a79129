package browser

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the pages that a real Keycloak shows to testdata/pages")

// A recorder keeps the pages that pass it, with -update.
type recorder struct {
	t     *testing.T
	realm *realm
	next  http.RoundTripper
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil || !*update || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.keep(parsePage(req.URL, resp.StatusCode, body), string(body))
	return resp, nil
}

// keep writes a page under its id; one with a message is another page.
func (r *recorder) keep(p *page, body string) {
	name := strings.TrimPrefix(strings.TrimPrefix(p.id, "login-"), "login-")
	switch {
	case p.id == "" && len(p.forms) > 0:
		name = "form-post"
	case p.id == "":
		return
	case p.id == loginPage:
		name = "login"
	}
	if said := p.said(); said != "" && slices.Contains([]string{loginPage, userPage, passwordPage, codePage, errorPage}, p.id) {
		if i := strings.IndexAny(said, ".,"); i > 0 {
			said = said[:i]
		}
		name += "-" + strings.Trim(noName.ReplaceAllString(strings.ToLower(said), "-"), "-")
	}
	file := filepath.Join("testdata", "pages", name+"."+r.realm.version+".html")
	if err := os.WriteFile(file, []byte(trimmed(r.realm, body)), 0o644); err != nil {
		r.t.Error(err)
	}
}

var (
	dropped  = regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<svg.*?</svg>|<!--.*?-->|<link[^>]*>|<meta[^>]*>`)
	blank    = regexp.MustCompile(`(?m)^[ \t]+$|[ \t]+$`)
	blanks   = regexp.MustCompile(`\n{2,}`)
	oneTime  = regexp.MustCompile(`((?:session_code|tab_id|client_data|execution|code|state|session_state)=)[A-Za-z0-9._~%-]+`)
	oneField = regexp.MustCompile(`(?i)(name="(?:session_code|code|state|session_state)"\s+value=")[^"]*`)
	noName   = regexp.MustCompile(`[^a-z0-9]+`)
	aUUID    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// trimmed takes out of a page what a login does not need, what is made anew each time, and where it was.
func trimmed(r *realm, s string) string {
	s = dropped.ReplaceAllString(s, "")
	s = oneTime.ReplaceAllString(s, "${1}ONCE")
	s = oneField.ReplaceAllString(s, "${1}ONCE")
	s = aUUID.ReplaceAllString(s, "00000000-0000-4000-8000-000000000000")
	s = strings.NewReplacer(r.base, "https://auth.example.com", r.name, "mcp").Replace(s)
	return blanks.ReplaceAllString(blank.ReplaceAllString(s, ""), "\n")
}
