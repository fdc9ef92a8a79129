package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Observed passes everything on to a server that does its own OAuth, as if nobody stood between: its documents, its endpoints, the
// client's token, which is for that very server, and what it answers, refusals and redirects too. The path of the endpoint
// here becomes that of the upstream; every other path is the same.
func Observed(endpoint string, upstream *url.URL, transport http.RoundTripper, log *slog.Logger) http.Handler {
	if transport == nil {
		transport = NewUpstreamTransport()
	}
	broken := NewUpstream(Upstream{URL: upstream, Logger: log})
	return &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			out := r.Out
			out.URL.Scheme, out.URL.Host = upstream.Scheme, upstream.Host
			if out.URL.EscapedPath() == endpoint {
				out.URL.Path, out.URL.RawPath = upstream.Path, upstream.RawPath
			}
			// It names itself in its documents by the name that clients know it by.
			out.Host = r.In.Host
			out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			forwardedBy(out.Header, r.In)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil || errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			broken.broken(w, r, nil, http.StatusBadGateway, unreached(err))
		},
	}
}
