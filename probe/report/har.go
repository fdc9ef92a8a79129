package report

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A harFile is an HTTP Archive 1.2 as browsers and proxies write it: of it what an Exchange has. It is full of secrets.
type harFile struct {
	Log *struct {
		Creator struct{ Name, Version string } `json:"creator"`
		Entries []harEntry                     `json:"entries"`
	} `json:"log"`
}

type harEntry struct {
	Started time.Time `json:"startedDateTime"`
	Time    float64   `json:"time"`
	Timings struct {
		DNS     float64 `json:"dns"`
		Connect float64 `json:"connect"`
		SSL     float64 `json:"ssl"`
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
	} `json:"timings"`
	ServerIP string `json:"serverIPAddress"`
	Request  struct {
		Method   string      `json:"method"`
		URL      string      `json:"url"`
		Headers  []harHeader `json:"headers"`
		PostData *struct {
			MimeType string      `json:"mimeType"`
			Text     string      `json:"text"`
			Params   []harHeader `json:"params"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int         `json:"status"`
		Proto   string      `json:"httpVersion"`
		Headers []harHeader `json:"headers"`
		Content struct {
			Size     int64  `json:"size"`
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
		Error string `json:"_error"`
	} `json:"response"`
	Error string `json:"_error"`
}

type harHeader struct{ Name, Value string }

// isHAR reports whether text is an HTTP Archive: an object whose "log" has entries.
func isHAR(text []byte) bool {
	var head struct {
		Schema string `json:"schema"`
		Log    struct {
			Entries *json.RawMessage `json:"entries"`
		} `json:"log"`
	}
	return json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &head) == nil && head.Schema == "" && head.Log.Entries != nil
}

// readHAR makes a capture of an HTTP Archive. All of it goes through a tap before anything else sees it: twice, so that a
// secret that is known late is struck out where it stood early.
func readHAR(text []byte, o ReadOptions) (capture, error) {
	var file harFile
	if err := decode(bytes.TrimPrefix(text, []byte("\ufeff")), &file); err != nil {
		return capture{}, err
	}
	entries := file.Log.Entries
	slices.SortStableFunc(entries, func(a, b harEntry) int { return a.Started.Compare(b.Started) })
	target, guessed := o.Target, o.Target == ""
	if guessed {
		if target = harTarget(entries); target == "" {
			return capture{}, errors.New("no request in it is to an MCP endpoint: name the MCP server's URL too")
		}
	}
	kept := harKept(entries, target)
	if left := len(entries) - len(kept); left > 0 {
		o.tell("%d of %d requests are to others than the MCP server and its authorization server: they are left out", left, len(entries))
	}
	if len(kept) == 0 {
		return capture{}, fmt.Errorf("none of its %d requests is to %s or its authorization server", len(entries), target)
	}
	c := capture{started: probe.Started{Handshake: "har", Target: target, Source: probe.Read, At: kept[0].Started.UTC(),
		Tool: probe.Tool{Name: plain(file.Log.Creator.Name), Version: plain(file.Log.Creator.Version)}}}
	tap := &probe.Tap{}
	c.tapped(tap, kept, o)
	if guessed {
		c.started.Target = tap.Sieve(target)
	}
	return c, nil
}

// tapped sends the entries through a tap as if they were made now, and gives each its own time again.
func (c *capture) tapped(tap *probe.Tap, entries []harEntry, o ReadOptions) {
	for _, learnt := range []bool{false, true} {
		c.events, c.last = nil, 0
		for i := range entries {
			e := &entries[i]
			tap.To = func(x probe.Exchange) {
				if x.Open {
					return
				}
				e.timed(&x)
				x.N = c.last + 1
				_ = c.take(probe.Seen{Handshake: c.started.Handshake, Exchange: x})
			}
			if err := e.replay(tap); err != nil && learnt {
				o.tell("request %d is left out: its method, its address or its body is none", i+1)
			}
		}
	}
	tap.Close()
}

// replay makes the request of an entry through the tap, and answers it as the entry says.
func (e *harEntry) replay(tap *probe.Tap) error {
	body := ""
	if p := e.Request.PostData; p != nil {
		if body = p.Text; body == "" && len(p.Params) > 0 {
			form := url.Values{}
			for _, one := range p.Params {
				form.Add(one.Name, one.Value)
			}
			body = form.Encode()
		}
	}
	r, err := http.NewRequest(e.Request.Method, e.Request.URL, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = headersOf(e.Request.Headers)
	if p := e.Request.PostData; p != nil && r.Header.Get("Content-Type") == "" && p.MimeType != "" {
		r.Header.Set("Content-Type", p.MimeType)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host")
	resp, err := tap.Transport(e).RoundTrip(r)
	if err != nil {
		return nil // the tap has told it
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// RoundTrip answers as the entry says. What was compressed on the wire is not in an archive.
func (e *harEntry) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	a := &e.Response
	if a.Status == 0 {
		why := e.Error + a.Error
		if why == "" {
			why = "no answer is in the archive"
		}
		return nil, harFailure(why)
	}
	body := []byte(a.Content.Text)
	if a.Content.Encoding == "base64" {
		decoded, err := base64.StdEncoding.DecodeString(a.Content.Text)
		if err != nil {
			return nil, fmt.Errorf("the archive's body is not base64: %w", err)
		}
		body = decoded
	}
	h := headersOf(a.Headers)
	h.Del("Content-Encoding")
	h.Del("Content-Length")
	if h.Get("Content-Type") == "" && a.Content.MimeType != "" && a.Content.MimeType != "x-unknown" {
		h.Set("Content-Type", a.Content.MimeType)
	}
	return &http.Response{StatusCode: a.Status, Status: http.StatusText(a.Status), Proto: e.proto(), Header: h, Request: r,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// harFailures are the words of browsers for what has a kind below HTTP.
var harFailures = map[string]error{
	"NAME_NOT_RESOLVED": &net.DNSError{Err: "no such host", IsNotFound: true}, "CONNECTION_REFUSED": syscall.ECONNREFUSED,
	"CONNECTION_RESET": syscall.ECONNRESET, "ADDRESS_UNREACHABLE": syscall.EHOSTUNREACH, "TIMED_OUT": os.ErrDeadlineExceeded,
	"EMPTY_RESPONSE": io.ErrUnexpectedEOF, "CERT_": x509.UnknownAuthorityError{}, "SSL_": tls.AlertError(40), "ABORTED": context.Canceled,
}

func harFailure(why string) error {
	for word, err := range harFailures {
		if strings.Contains(why, word) {
			return fmt.Errorf("%s: %w", why, err)
		}
	}
	return errors.New(why)
}

// proto is the version of HTTP as Go writes it.
func (e *harEntry) proto() string {
	switch strings.ToLower(e.Response.Proto) {
	case "h2", "http/2", "http/2.0":
		return "HTTP/2.0"
	case "h3", "http/3", "http/3.0":
		return "HTTP/3.0"
	case "http/1.0":
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// timed gives an exchange the times of its entry; -1 there is "does not apply".
func (e *harEntry) timed(x *probe.Exchange) {
	t := e.Timings
	x.Start = e.Started.UTC().Round(0)
	x.Timing = probe.Timing{DNS: harTime(t.DNS), TLS: harTime(t.SSL), Connect: harTime(t.Connect - max(t.SSL, 0)), Total: harTime(e.Time),
		FirstByte: harTime(harTime(t.DNS) + harTime(t.Connect) + harTime(t.Send) + harTime(t.Wait))}
	if e.ServerIP != "" {
		x.Peer = &probe.Peer{Addr: plain(e.ServerIP)}
	}
}

// harTime is a time in milliseconds, of no more than a day.
func harTime(ms float64) float64 { return min(max(ms, 0), 24*60*60*1000) }

// headersOf leaves out HTTP/2's pseudo headers and what is no field at all.
func headersOf(all []harHeader) http.Header {
	h := http.Header{}
	for _, one := range all {
		if one.Name == "" || strings.HasPrefix(one.Name, ":") {
			continue
		}
		for value := range strings.SplitSeq(one.Value, "\n") { // as browsers write a field that came more than once
			h.Add(one.Name, value)
		}
	}
	return h
}
