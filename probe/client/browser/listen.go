package browser

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// listenAt listens at a loopback name or address. A browser may take localhost for either address, so both must be ours:
// with one of them another program's, that program would get the code.
func listenAt(ctx context.Context, host, port string) ([]net.Listener, error) {
	var lc net.ListenConfig
	if net.ParseIP(host) != nil {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	const attempts = 5
	var err error
	for range attempts {
		var four, six net.Listener
		four, err = lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, err
		}
		six, err = lc.Listen(ctx, "tcp6", net.JoinHostPort("::1", portOf(four)))
		switch {
		case err == nil:
			return []net.Listener{four, six}, nil
		case !hasIPv6(ctx):
			return []net.Listener{four}, nil
		}
		four.Close()
		if port != "0" {
			break
		}
	}
	return nil, err
}

// hasIPv6 reports whether anything can listen at ::1.
func hasIPv6(ctx context.Context) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func serve(all []net.Listener, h http.HandlerFunc) *http.Server {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	for _, l := range all {
		go func() { _ = s.Serve(l) }() // ends with Shutdown or Close
	}
	return s
}
