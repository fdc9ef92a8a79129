package probe

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// strikeAll strikes what was learned out of everything that is kept. It copies what it changes: bodies may be shared.
func (r *redactor) strikeAll() {
	x := r.x
	x.Request.Method = r.text(x.Request.Method)
	x.Request.URL = r.address(x.Request.URL)
	r.strikeHeader(x.Request.Header)
	r.strikeBody(&x.Request.Body)
	if x.Response != nil {
		r.strikeHeader(x.Response.Header)
		r.strikeBody(&x.Response.Body)
	}
	if x.Error != nil {
		x.Error.Text = r.text(x.Error.Text)
	}
	for i, token := range x.Tokens {
		x.Tokens[i].Alg, x.Tokens[i].Kid, x.Tokens[i].Typ = r.text(token.Alg), r.text(token.Kid), r.text(token.Typ)
		if claims, ok := r.value(token.Claims).(map[string]any); ok {
			x.Tokens[i].Claims = claims
		}
	}
	x.Notes = r.facts(x.Notes)
}

func (r *redactor) strikeHeader(h http.Header) {
	for name, values := range h {
		for i, v := range values {
			values[i] = r.text(v)
			if urlHeaders[name] {
				values[i] = r.address(v)
			}
		}
		if struck := r.text(name); struck != name {
			delete(h, name)
			h[struck] = values
		}
	}
}

func (r *redactor) strikeBody(b *Body) {
	text, value := r.text(b.Text), r.value(b.JSON)
	if text != b.Text || !same(value, b.JSON) {
		b.SHA256 = ""
	}
	b.Type, b.Text, b.Problem, b.JSON = r.text(b.Type), text, r.text(b.Problem), value
	if b.Form != nil {
		form := url.Values{}
		for name, values := range b.Form {
			for _, v := range values {
				form.Add(r.text(name), r.text(v))
			}
		}
		b.Form = form
	}
	if b.Page != nil {
		b.Page = &Page{Title: r.text(b.Page.Title), PageID: r.text(b.Page.PageID), Text: r.text(b.Page.Text)}
	}
	for i, e := range b.Events {
		b.Events[i].Event, b.Events[i].Data = r.text(e.Event), r.value(e.Data)
	}
}

// text strikes what is known out of a text, however deeply it is escaped there.
func (r *redactor) text(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	s = r.strike(s)
	for at, depth := s, 0; depth < 4; depth++ {
		plain := unescape(at)
		if plain == at {
			break
		}
		if at = r.strike(plain); at != plain {
			s = at
		}
	}
	return s
}

func (r *redactor) strike(s string) string {
	s = r.known.strike(r.own.strike(s))
	if r.raw != nil && r.raw.overheard {
		s = r.known.strikePieces(r.f, s)
	}
	return s
}

// address is text for a URL, which stays one.
func (r *redactor) address(s string) string {
	if struck := r.text(s); struck != s {
		return redacted.ReplaceAllStringFunc(struck, func(mark string) string {
			if mark[0] == '%' {
				return mark
			}
			return url.QueryEscape(mark)
		})
	}
	return strings.ToValidUTF8(s, "�")
}

// value strikes what is known out of all strings of a JSON value. What does not change is not copied.
func (r *redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		if struck := r.text(v); struck != v {
			return struck
		}
	case json.Number:
		if struck := r.text(v.String()); redacted.FindString(struck) == struck { // a piece of a number tells nothing
			return struck
		}
	case []any:
		return r.array(v)
	case map[string]any:
		return r.object(v)
	}
	return v
}

func (r *redactor) array(all []any) any {
	for i, v := range all {
		struck := r.value(v)
		if same(struck, v) {
			continue
		}
		copied := append(append(make([]any, 0, len(all)), all[:i]...), struck)
		for _, v := range all[i+1:] {
			copied = append(copied, r.value(v))
		}
		return copied
	}
	return all
}

func (r *redactor) object(all map[string]any) any {
	var copied map[string]any
	for name, v := range all {
		key, struck := r.text(name), r.value(v)
		if key == name && same(struck, v) {
			continue
		}
		if copied == nil {
			copied = make(map[string]any, len(all))
			for name, v := range all {
				copied[name] = v
			}
		}
		if key != name {
			delete(copied, name)
		}
		copied[key] = struck
	}
	if copied == nil {
		return all
	}
	return copied
}

// same reports whether value gave back what it was given: containers by identity.
func same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
	}
	return a == b
}

// unescape undoes one layer of what URLs, HTML and JSON do to a text; what is no escape stays.
func unescape(s string) string {
	if strings.IndexByte(s, '%') >= 0 {
		s = percent.ReplaceAllStringFunc(s, func(run string) string {
			if plain, err := url.PathUnescape(run); err == nil && utf8.ValidString(plain) {
				return plain
			}
			return run
		})
	}
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	if strings.IndexByte(s, '\\') >= 0 {
		s = backslash.ReplaceAllStringFunc(s, func(run string) string {
			var plain string
			if json.Unmarshal([]byte(`"`+run+`"`), &plain) == nil {
				return plain
			}
			return run
		})
	}
	return s
}

var (
	percent   = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)
	backslash = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4}|\\["\\/bfnrt])+`)
)

// facts returns facts with plain data, so that they are the same when they are read back, and with secrets struck out.
func (r *redactor) facts(all []Fact) []Fact {
	var plain []Fact
	for _, f := range all {
		f.Kind, f.Source, f.At = r.text(f.Kind), r.text(f.Source), f.At.UTC().Round(0)
		data, _ := r.value(r.cleanURLs(plainJSON(f.Data))).(map[string]any)
		f.Data = data
		plain = append(plain, f)
	}
	return plain
}

// plainJSON returns data as it will be read back; what JSON cannot hold is left out.
func plainJSON(data map[string]any) map[string]any {
	plain := map[string]any{}
	for name, v := range data {
		if t, ok := v.(time.Time); ok {
			v = t.UTC().Round(0)
		}
		text, err := json.Marshal(v)
		if err != nil {
			continue
		}
		if value, problem := decodeJSON(text); value != nil && problem == "" {
			plain[name] = value
		}
	}
	if len(plain) == 0 {
		return nil
	}
	return plain
}
