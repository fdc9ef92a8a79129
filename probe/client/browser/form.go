package browser

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A form is what a user fills in, with the values that it comes with.
type form struct {
	id     string
	method string
	action *url.URL
	// fields are sent whatever button is pressed, buttons only when it is theirs (HTML, "constructing the entry list").
	fields, buttons []field
	node            *html.Node
}

type field struct{ name, value, kind string }

func parseForm(at *url.URL, n *html.Node) *form {
	f := &form{id: attr(n, "id"), method: strings.ToUpper(attr(n, "method")), action: at, node: n}
	if to, err := at.Parse(strings.TrimSpace(attr(n, "action"))); err == nil {
		f.action = to
	}
	for c := range n.Descendants() {
		name := attr(c, "name")
		if c.Type != html.ElementNode || name == "" || hasAttr(c, "disabled") {
			continue
		}
		f.control(c, name)
	}
	return f
}

func (f *form) control(n *html.Node, name string) {
	kind := strings.ToLower(attr(n, "type"))
	switch n.DataAtom {
	case atom.Button:
		if kind == "" || kind == "submit" {
			f.buttons = append(f.buttons, field{name, attr(n, "value"), "submit"})
		}
	case atom.Textarea:
		f.fields = append(f.fields, field{name, words(n), "textarea"})
	case atom.Input:
		f.input(n, name, kind)
	}
}

func (f *form) input(n *html.Node, name, kind string) {
	value := attr(n, "value")
	switch kind {
	case "submit", "image":
		f.buttons = append(f.buttons, field{name, value, "submit"})
	case "button", "reset", "file":
	case "checkbox", "radio":
		if !hasAttr(n, "checked") {
			return
		}
		if !hasAttr(n, "value") {
			value = "on"
		}
		f.fields = append(f.fields, field{name, value, kind})
	default:
		f.fields = append(f.fields, field{name, value, kind})
	}
}

// asks reports whether the form has a field for the user to fill in.
func (f *form) asks(name string) bool {
	return slices.ContainsFunc(f.fields, func(x field) bool { return x.name == name && x.kind != "hidden" })
}

func (f *form) hasAll(names []string) bool {
	for _, name := range names {
		is := func(x field) bool { return x.name == name }
		if !slices.ContainsFunc(f.fields, is) && !slices.ContainsFunc(f.buttons, is) {
			return false
		}
	}
	return true
}

// noButton is the name of none.
const noButton = "\x00"

// fill returns what is sent: the form's own values, those given in their stead, and the button's. Without a button it is the
// first one, as when the user presses return.
func (f *form) fill(given map[string]string, button string) url.Values {
	v := url.Values{}
	for _, x := range f.fields {
		if set, ok := given[x.name]; ok {
			v.Set(x.name, set)
			continue
		}
		v.Add(x.name, x.value)
	}
	for _, b := range f.buttons {
		if b.name == button || button == "" {
			v.Set(b.name, b.value)
			break
		}
	}
	return v
}
