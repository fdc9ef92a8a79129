package browser

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxRefresh is for how many seconds a page may be shown that then goes on by itself; one that waits longer is meant to be read.
const maxRefresh = 10

// refresh is where a page has the browser go by itself (HTML, "shared declarative refresh steps"), by a meta element or the header
// of that name; nil for nowhere, and for a page that loads itself anew until something has happened elsewhere.
func (p *page) refresh() *url.URL {
	told := p.refreshing
	for n := range p.doc.Descendants() {
		if told == "" && n.DataAtom == atom.Meta && strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			told = attr(n, "content")
		}
	}
	wait, _, _ := strings.Cut(strings.ReplaceAll(told, ",", ";"), ";")
	seconds, err := strconv.ParseFloat(strings.TrimSpace(wait), 64)
	if err != nil || seconds < 0 || seconds > maxRefresh {
		return nil
	}
	_, where, _ := strings.Cut(told, wait)
	where = strings.TrimLeft(where, ";, \t\n\r")
	if name, rest, ok := strings.Cut(where, "="); ok && strings.EqualFold(strings.TrimSpace(name), "url") {
		where = strings.Trim(strings.TrimSpace(rest), `"'`)
	}
	to, err := p.url.Parse(where)
	if err != nil || where == "" || to.String() == p.url.String() {
		return nil
	}
	return to
}

// onward is where a page leads on without the user's doing: nil where it is one for the user, or one that a script makes.
func (p *page) onward() *url.URL {
	if p.status >= http.StatusBadRequest || p.id != "" || len(p.forms) > 0 {
		return nil
	}
	return p.refresh()
}

// selfSent returns the form that a page sends by itself as it stands, as that of response_mode=form_post is (OAuth 2.0 Form Post
// Response Mode) and those that lead from one page to the next; nil where there is none, or where a script may fill it in first.
func (p *page) selfSent() *form {
	if len(p.forms) != 1 || slices.ContainsFunc(p.forms[0].fields, func(x field) bool { return x.kind != "hidden" }) {
		return nil
	}
	var scripts []string
	for n := range p.doc.Descendants() {
		switch {
		case n.DataAtom == atom.Script && hasAttr(n, "src"):
			return nil
		case n.DataAtom == atom.Script:
			scripts = append(scripts, source(n))
		case n.DataAtom == atom.Body:
			scripts = append(scripts, attr(n, "onload"))
		}
	}
	all := strings.Join(scripts, "\n")
	if !strings.Contains(all, ".submit(") || strings.Contains(all, ".value") || strings.Contains(all, "setAttribute(") {
		return nil
	}
	return p.forms[0]
}

// source is the text of a script.
func source(script *html.Node) string {
	var text strings.Builder
	for n := range script.ChildNodes() {
		text.WriteString(n.Data)
	}
	return text.String()
}

// send is what a form's submission has a browser do: ask for its action with its fields in the query, or post them. No button is
// pressed where a script does it.
func (w *walk) send(p *page, f *form) (step, error) {
	switch {
	case w.r.isResponse(f.action) && f.method == http.MethodPost:
		return step{}, p.stop(Undelivered, "do not use response_mode=form_post", "the page has the browser bring the response by POST, and the callback answers GET")
	case f.method == http.MethodPost:
		return w.submit(p, f, nil, noButton)
	case !w.athome(f.action) && !w.r.isResponse(f.action):
		return step{}, elsewhere(w.start, f.action)
	}
	to := *f.action
	to.RawQuery = f.fill(nil, noButton).Encode()
	return step{to: &to, from: p}, nil
}
