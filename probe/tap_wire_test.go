package probe

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// ask makes one request through a tap and returns what was told of it in the end.
func ask(t *testing.T, h http.HandlerFunc, r *http.Request) Exchange {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	tap, client, told := tapped(t)
	r.URL.Scheme, r.URL.Host = "http", srv.Listener.Addr().String()
	resp, err := client.Do(r)
	if err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	tap.Close()
	all := told.list()
	if len(all) == 0 {
		t.Fatal("nothing was told")
	}
	again(t, all[len(all)-1])
	return all[len(all)-1]
}

func TestTransportTells(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(`{"issuer":"https://kc.example"}`))
	z.Close()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		check  func(x Exchange) bool
	}{
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?code=abc", http.StatusFound)
		}, func(x Exchange) bool {
			return x.Status() == 302 && strings.HasPrefix(x.Header("Location"), "/elsewhere?code=%5Bredacted+3+") && x.Answer().SHA256 == ""
		}},
		{"gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
		}, func(x Exchange) bool {
			return x.Answer().Object()["issuer"] != nil && x.Answer().Size == int64(packed.Len())
		}},
		{"gzip, unsaid", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(packed.Bytes())
		}, func(x Exchange) bool { return x.Answer().JSON == nil && strings.Contains(x.Answer().Problem, "gzip") }},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, func(x Exchange) bool {
			return x.Status() == 204 && !x.Open && x.Error == nil
		}},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"issuer":`)
		}, func(x Exchange) bool {
			return x.Error != nil && x.Error.Kind == "eof" && x.Answer().Truncated && x.Answer().JSON == nil
		}},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, func(x Exchange) bool {
			return x.Error != nil && x.Error.Kind == "eof" && x.Response == nil && x.Peer != nil
		}},
		{"too long", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, clientBody+5)) }, func(x Exchange) bool {
			return x.Answer().Truncated && x.Answer().Size == clientBody+5 && x.Answer().SHA256 == ""
		}},
		{"chunked", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, "x")
		}, func(x Exchange) bool {
			return x.Header("Transfer-Encoding") == "chunked" && x.Answer().SHA256 != ""
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if x := ask(t, test.answer, request(t, "GET", "http://x/a", "")); !test.check(x) {
				t.Errorf("told %+v, answer %+v", x, x.Response)
			}
		})
	}
}

func TestTransportRequestBody(t *testing.T) {
	t.Parallel()
	form := "grant_type=client_credentials&scope=a"
	for name, body := range map[string]io.Reader{
		"with a second reader": strings.NewReader(form), "as it is read": io.MultiReader(strings.NewReader(form)),
	} {
		var got string
		r, _ := http.NewRequestWithContext(WithProbe(t.Context(), "wrong-audience"), "POST", "http://x/token", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Host = "kc.example"
		x := ask(t, func(_ http.ResponseWriter, r *http.Request) { b, _ := io.ReadAll(r.Body); got = string(b) }, r)
		if got != form || x.Request.Body.Form.Get("scope") != "a" || x.Request.Body.Size != int64(len(form)) {
			t.Errorf("%s: the server got %q, told %+v", name, got, x.Request.Body)
		}
		if x.Probe != "wrong-audience" || x.Request.Header.Get("Host") != "kc.example" || x.Request.Header.Get("User-Agent") == "" {
			t.Errorf("%s: told %+v", name, x)
		}
	}
}

func TestTransportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	srv := httptest.NewServer(streaming(letGo))
	defer srv.Close()
	defer close(letGo)
	for _, how := range []string{"canceled", "closed"} {
		told := make(chan Exchange, 8)
		tap := &Tap{To: func(x Exchange) { told <- x }}
		transport := &http.Transport{}
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := tap.Transport(transport).RoundTrip(request(t, "GET", srv.URL, "").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if how == "canceled" {
			cancel()
		} else {
			resp.Body.Close()
		}
		var x Exchange
		for x = <-told; x.Open; x = <-told {
		}
		if canceled := x.Error != nil && x.Error.Kind == "canceled"; canceled != (how == "canceled") || x.Status() != 200 {
			t.Errorf("%s: told %+v", how, x)
		}
		resp.Body.Close()
		cancel()
		if open := tap.Close(); len(open) != 0 {
			t.Errorf("%s: open %v", how, open)
		}
		transport.CloseIdleConnections()
	}
}

// TestClosedEarly: a decoder stops at the end of the value and closes without having seen the end of the body.
func TestClosedEarly(t *testing.T) {
	t.Parallel()
	const document = `{"issuer":"https://kc.example","authorization_endpoint":"https://kc.example/auth"}`
	for name, test := range map[string]struct {
		read      int64
		truncated bool
	}{"whole value": {int64(len(document)), false}, "half a value": {20, true}} {
		tap, client, told := tapped(t)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.(http.Flusher).Flush()
			io.WriteString(w, document)
		}))
		resp, err := client.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		io.CopyN(io.Discard, resp.Body, test.read)
		resp.Body.Close()
		srv.Close()
		tap.Close()
		x := told.list()[0]
		if b := x.Answer(); b.Truncated != test.truncated || (b.JSON == nil) != test.truncated || b.Problem != "" {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	for name, trusted := range map[string]bool{"trusted": true, "not trusted": false} {
		told := &seen{}
		tap := &Tap{To: told.to}
		transport := &http.Transport{}
		if trusted {
			transport = srv.Client().Transport.(*http.Transport).Clone()
		}
		resp, err := tap.Transport(transport).RoundTrip(request(t, "GET", srv.URL, ""))
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		transport.CloseIdleConnections()
		x := told.list()[0]
		if x.Peer == nil || x.Peer.TLS == nil || len(x.Peer.TLS.Names) == 0 || x.Peer.TLS.NotAfter.IsZero() || x.Peer.Addr == "" || x.Timing.TLS == 0 {
			t.Fatalf("%s: peer %+v, timing %+v", name, x.Peer, x.Timing)
		}
		if trusted != (x.Error == nil) || !trusted && x.Error.Kind != "tls" {
			t.Errorf("%s: error %+v", name, x.Error)
		}
		again(t, x)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"dns":      &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsTimeout: true}},
		"timeout":  &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded},
		"canceled": context.Canceled,
		"eof":      io.ErrUnexpectedEOF,
		"tls":      tls.AlertError(40),
		"protocol": errors.New(`malformed HTTP response "x"`),
		"reset":    errors.New("stream error: stream ID 1; INTERNAL_ERROR"),
		"refused":  errors.New("dial tcp: connectex: No connection could be made because the target machine actively refused it."),
		"other":    errors.New("something else"),
	} {
		if got := kindOf(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	tap, client, told := tapped(t)
	if _, err := client.Do(request(t, "GET", "http://"+l.Addr().String(), "").WithContext(ctx)); err == nil {
		t.Fatal("answered")
	}
	tap.Close()
	if x := told.list()[0]; x.Error.Kind != "timeout" || x.Peer == nil {
		t.Errorf("told %+v", x)
	}
}
