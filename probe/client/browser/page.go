package browser

import (
	"bytes"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A page is an HTML page as far as a login needs it.
type page struct {
	url    *url.URL
	status int
	// redirects: it is the body of a redirect.
	redirects bool
	// id is what Keycloak's theme writes on body as data-page-id (since 24): "login-" and the template's name.
	id    string
	forms []*form
	doc   *html.Node
	// referrer is its Referrer-Policy.
	referrer string
	// refreshing is its Refresh header.
	refreshing string
	// sieve strikes secrets out of what the page says.
	sieve func(string) string
}

// parsePage reads a page; what is no HTML is a page without anything on it.
func parsePage(at *url.URL, status int, body []byte) *page {
	p := &page{url: at, status: status, sieve: func(s string) string { return s }}
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		doc = &html.Node{Type: html.DocumentNode}
	}
	p.doc = doc
	for n := range doc.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.DataAtom == atom.Body:
			p.id = attr(n, "data-page-id")
		case n.DataAtom == atom.Form:
			p.forms = append(p.forms, parseForm(at, n))
		}
	}
	return p
}

// form returns the form with an id, or else the first that has all the fields or buttons named.
func (p *page) form(id string, names ...string) *form {
	for _, f := range p.forms {
		if f.id == id && id != "" {
			return f
		}
	}
	for _, f := range p.forms {
		if f.hasAll(names) {
			return f
		}
	}
	return nil
}

const maxSaid = 200

// said returns the page's message to the user: of the error page, above the form, or beside a field.
func (p *page) said() string {
	for _, is := range []func(*html.Node) bool{
		func(n *html.Node) bool { return attr(n, "id") == "kc-error-message" },
		func(n *html.Node) bool { return hasClass(n, "kc-feedback-text") },
		func(n *html.Node) bool { return strings.HasPrefix(attr(n, "id"), "input-error") },
	} {
		for n := range p.doc.Descendants() {
			if n.Type != html.ElementNode || !is(n) {
				continue
			}
			if s := words(n); s != "" {
				return p.sieve(clip(s))
			}
		}
	}
	return ""
}

// title is the page's title, for a page without a message.
func (p *page) title() string {
	for n := range p.doc.Descendants() {
		if n.DataAtom == atom.Title {
			return p.sieve(clip(words(n)))
		}
	}
	return ""
}

// text is what a reader sees on the page.
func (p *page) text() string {
	for n := range p.doc.Descendants() {
		if n.DataAtom == atom.Body {
			return p.sieve(clip(words(n)))
		}
	}
	return ""
}

// waysOn reports whether a browser's user can get on from a page, and by what the page goes on itself, "" for nothing.
func (p *page) waysOn() (by string, on bool) {
	on = len(p.forms) > 0
	for n := range p.doc.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.DataAtom == atom.Script:
			by = "script"
		case n.DataAtom == atom.Meta && strings.EqualFold(attr(n, "http-equiv"), "refresh"):
			by = "a refresh of its own"
		case hasAttr(n, "href") && n.DataAtom != atom.Link && n.DataAtom != atom.Base, n.DataAtom == atom.Button, n.DataAtom == atom.Iframe, hasAttr(n, "onload"):
			on = true
		}
	}
	return by, on || by != ""
}

func clip(s string) string {
	if runes := []rune(s); len(runes) > maxSaid {
		return string(runes[:maxSaid]) + "…"
	}
	return s
}

// words is the text of a node that a reader sees, but for links.
func words(n *html.Node) string {
	var all []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			all = append(all, strings.Fields(n.Data)...)
			return
		case n.DataAtom == atom.Script || n.DataAtom == atom.Style || n.DataAtom == atom.A:
			return
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(all, " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func hasClass(n *html.Node, class string) bool {
	for _, c := range strings.Fields(attr(n, "class")) {
		if c == class {
			return true
		}
	}
	return false
}
