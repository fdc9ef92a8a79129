package cloudflaretest

import (
	"io"
	"net"
	"net/http"
	"strings"
)

// serveConnect lets a whole program reach the edge by the names of its zones: the plain port is an HTTP proxy for them, and for nothing
// else. With HTTPS_PROXY set to Running.URL and SSL_CERT_FILE to a file with Running.RootsPEM, what it asks of https://mcp.example.com
// comes to the edge.
func (r *Running) serveConnect(w http.ResponseWriter, q *http.Request) {
	host, port, err := net.SplitHostPort(q.Host)
	to := map[string]string{"443": r.Address, "80": strings.TrimPrefix(r.URL, "http://")}[port]
	if err != nil || to == "" || !r.serves(host) {
		http.Error(w, "no zone of the small Cloudflare", http.StatusBadGateway)
		return
	}
	edge, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer edge.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(edge, buffered) // either side's end is the other's
		_ = edge.Close()
	}()
	_, _ = io.Copy(client, edge)
}
