package probe

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// unseen are the elements whose content is not what a page says.
var unseen = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true, atom.Textarea: true, atom.Select: true,
	atom.Svg: true, atom.Iframe: true, atom.Object: true, atom.Title: true,
}

// page tells what a user would read on an HTML page, and which of Keycloak's pages it is.
func (r *redactor) page(text []byte) *Page {
	p := &Page{}
	var words, title []string
	var skip atom.Atom
	z := html.NewTokenizer(bytes.NewReader(text))
	for length := 0; length < 2*maxText; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		name, more := z.TagName()
		tag := atom.Lookup(name)
		switch kind {
		case html.StartTagToken:
			if tag == atom.Body {
				p.PageID = pageID(z, more)
			}
			if skip == 0 && unseen[tag] {
				skip = tag
			}
		case html.EndTagToken:
			if tag == skip {
				skip = 0
			}
		case html.TextToken:
			switch found := strings.Fields(strings.ToValidUTF8(string(z.Text()), "�")); {
			case skip == 0:
				words = append(words, found...)
				for _, w := range found {
					length += len(w) + 1
				}
			case skip == atom.Title:
				title = append(title, found...)
			}
		}
	}
	p.Title = r.prose(clipWords(html.UnescapeString(strings.Join(title, " ")), maxText/8))
	p.Text = r.prose(clipWords(html.UnescapeString(strings.Join(words, " ")), maxText))
	return p
}

// pageID reads the attribute that Keycloak's login theme writes on body since 24.
func pageID(z *html.Tokenizer, more bool) string {
	for more {
		var name, value []byte
		name, value, more = z.TagAttr()
		if id := string(value); string(name) == "data-page-id" && plainName(id) {
			return id
		}
	}
	return ""
}
