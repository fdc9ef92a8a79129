package cloudflaretest

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
)

var (
	scriptTag   = regexp.MustCompile(`(?i)<script(\s[^>]*)?>`)
	mailAddress = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+`)
	mailLink    = regexp.MustCompile(`(?i)<a\s[^>]*href="mailto:([^"]+)"[^>]*>.*?</a>`)
)

// rewritten is what products make of HTML on its way out; nothing else is touched: Email Obfuscation hides addresses, and Rocket Loader
// holds scripts back.
func (v *visit) rewritten(body []byte) []byte {
	if v.html.email {
		body = mailLink.ReplaceAllFunc(body, func(m []byte) []byte { return obfuscated(mailLink.FindSubmatch(m)[1]) })
		body = mailAddress.ReplaceAllFunc(body, obfuscated)
		if bytes.Contains(body, []byte("__cf_email__")) {
			body = bytes.Replace(body, []byte("</body>"), []byte(`<script data-cfasync="false" src="/cdn-cgi/scripts/5c5dd728/cloudflare-static/email-decode.min.js"></script></body>`), 1)
		}
	}
	if v.html.rocket {
		body = scriptTag.ReplaceAllFunc(body, func(m []byte) []byte {
			if strings.Contains(string(m), "data-cfasync") {
				return m
			}
			return []byte(strings.Replace(string(m), "<script", `<script type="`+v.ray+`-text/javascript"`, 1))
		})
	}
	return body
}

// rewrites says that an answer is one that rewritten may change.
func (v *visit) rewrites(res *http.Response) bool {
	return (v.html.email || v.html.rocket) && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") &&
		res.Header.Get("Content-Encoding") == "" && !strings.Contains(res.Header.Get("Cache-Control"), "no-transform")
}

// obfuscated hides an address as the real one does: each byte with the key that stands first.
func obfuscated(mail []byte) []byte {
	const key = 0x5a
	coded := []byte{key}
	for _, b := range mail {
		coded = append(coded, b^key)
	}
	return []byte(`<a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="` + hex.EncodeToString(coded) + `">[email&#160;protected]</a>`)
}
