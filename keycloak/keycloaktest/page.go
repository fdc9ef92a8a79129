package keycloaktest

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
)

// pages have the shape of the theme keycloak.v2 as far as a program can notice: the page's id, its forms with the ids and
// names of their fields, and where texts stand. Styles and scripts are left out; no page needs a script.
//
//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// A page is what one of the templates shows. ID is the page's data-page-id and the name of the template of its body.
type page struct {
	ID, Title, Heading, Realm string
	Attempted                 string // who has to sign in again
	Alert, AlertClass         string
	Message                   string
	Action, Restart           template.URL
	Code                      string
	Fields                    []field
	List                      []string
	Body                      template.HTML
}

// A field of a form.
type field struct{ Name, Label, Value, Type, Autocomplete, Error string }

func (c *call) page(code int, p page) answer {
	p.Realm = c.realm.name
	if shown, _ := c.realm.fields["displayName"].(string); shown != "" {
		p.Realm = shown
	}
	if p.Title == "" {
		p.Title = "Sign in to " + p.Realm
	}
	p.Body = template.HTML(render(p.ID, p)) // made by a template that escapes
	return html(code, render("layout.html", p))
}

const contentPolicy = "frame-src 'self'; frame-ancestors 'self'; object-src 'none';"

func html(code int, body string) answer {
	return answer{status: code, body: []byte(body)}.with("Content-Type", "text/html;charset=utf-8").
		with("Content-Language", "en").with("Content-Security-Policy", contentPolicy)
}

func render(name string, data any) string {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the templates are ours
	}
	return b.String()
}

// errorPage is shown where nobody can be sent back to.
func (c *call) errorPage(code int, message string) answer {
	return c.page(code, page{ID: "login-error", Heading: "We are sorry...", Message: message})
}

func (c *call) badRequest(message string) answer { return c.errorPage(http.StatusBadRequest, message) }

// A cookie of the realm; age is in seconds, 0 for as long as the browser runs.
type cookie struct {
	name, value string
	age         int
	hidden      bool // from scripts
}

// set writes a cookie. Over TLS and to a loopback name it goes along from other sites too, for which it must be Secure.
func (c *call) set(a answer, k cookie) answer {
	text := k.name + "=" + k.value + ";Version=1;Path=" + c.cookiePath()
	if k.value == "" {
		return a.with("Set-Cookie", text+";Max-Age=0")
	}
	if k.age > 0 {
		text += ";Max-Age=" + itoa(int64(k.age))
	}
	site := ";SameSite=Lax"
	if u, err := url.Parse(c.base); err == nil && (u.Scheme == "https" || loopback(u.Hostname()) || u.Hostname() == "::1") {
		text, site = text+";Secure", ";SameSite=None"
	}
	if k.hidden {
		text += ";HttpOnly"
	}
	return a.with("Set-Cookie", text+site)
}

// sentCookie returns the value of a cookie of the request.
func (c *call) sentCookie(name string) string {
	if k, err := c.r.Cookie(name); err == nil {
		return k.Value
	}
	return ""
}
