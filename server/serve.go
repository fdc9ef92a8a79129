package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Server serves all endpoints of its options.
type Server struct {
	opts      Options
	endpoints []*endpoint
	ports     []*port
	stopping  atomic.Bool
}

// New checks the options and puts everything together; it asks nobody and listens nowhere yet.
func New(o Options) (*Server, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Server{opts: o}
	shared := map[string][]*endpoint{}
	var listens []string
	for _, e := range o.Endpoints {
		n, err := newEndpoint(e, o)
		if err != nil {
			return nil, err
		}
		s.endpoints = append(s.endpoints, n)
		if !slices.Contains(listens, e.Listen) {
			listens = append(listens, e.Listen)
		}
		shared[e.Listen] = append(shared[e.Listen], n)
	}
	for _, listen := range listens {
		p, err := newPort(listen, shared[listen], s.healthHandler(), o)
		if err != nil {
			return nil, err
		}
		s.ports = append(s.ports, p)
	}
	if s.opts.metrics != nil {
		if err := s.opts.metrics.registry.Register(witnessed{s}); err != nil {
			return nil, fmt.Errorf("server: metrics: %w", err)
		}
	}
	return s, nil
}

// Listens returns the addresses to listen at, each once, in the order of the endpoints.
func (s *Server) Listens() []string {
	all := make([]string, len(s.ports))
	for i, p := range s.ports {
		all[i] = p.listen
	}
	return all
}

// Handler returns what is served at the first address.
func (s *Server) Handler() http.Handler { return s.ports[0].handler }

// Run listens at every address and serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	var listeners []net.Listener
	for _, p := range s.ports {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.listen)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return fmt.Errorf("listening at %s: %w", p.listen, err)
		}
		listeners = append(listeners, l)
	}
	return s.Serve(ctx, listeners...)
}

// Serve serves on the listeners, one for each of Listens, until ctx ends; then it stops in order: no new connection, streams
// cut, what is under way finished within Options.Drain, the rest cut too. It closes the listeners.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	if len(listeners) != len(s.ports) {
		return fmt.Errorf("serving: %d listeners for %d addresses", len(listeners), len(s.ports))
	}
	streams, cut := context.WithCancel(context.Background())
	defer cut()
	servers := make([]*http.Server, len(s.ports))
	failed := make(chan error, len(s.ports)+1)
	var running sync.WaitGroup
	for i, p := range s.ports {
		servers[i] = s.httpServer(cutting(streams, p.handler))
		running.Go(func() {
			if err := servers[i].Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving at %s: %w", p.listen, err)
			}
		})
		if s.opts.Ready != nil {
			s.opts.Ready(listeners[i].Addr())
		}
	}
	admin, err := s.serveAdmin(failed)
	if err != nil {
		cut()
		s.stop(servers)
		running.Wait()
		return errors.Join(err, s.Close())
	}
	running.Go(func() { s.warm(streams) })
	for _, n := range s.endpoints {
		running.Go(func() { n.stand.Run(streams) })
		if n.bridge != nil {
			running.Go(func() { n.bridge.Run(streams) })
		}
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.stopping.Store(true)
	cut()
	s.stop(servers)
	running.Wait()
	if admin != nil { // last, so that the end can be watched
		_ = admin.Close()
	}
	return errors.Join(err, s.Close())
}

// serveAdmin serves at the admin address, where there is one.
func (s *Server) serveAdmin(failed chan<- error) (*http.Server, error) {
	if s.opts.AdminListen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", s.opts.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("listening at %s for the admin: %w", s.opts.AdminListen, err)
	}
	h := s.httpServer(s.adminHandler())
	go func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serving the admin at %s: %w", s.opts.AdminListen, err)
		}
	}()
	if s.opts.AdminReady != nil {
		s.opts.AdminReady(l.Addr())
	}
	return h, nil
}

// stop drains and cuts.
func (s *Server) stop(servers []*http.Server) {
	drain, cancel := context.WithTimeout(context.Background(), s.opts.Drain)
	defer cancel()
	var draining sync.WaitGroup
	for _, h := range servers {
		draining.Go(func() {
			if h.Shutdown(drain) != nil {
				h.Close()
			}
		})
	}
	draining.Wait()
}

// Close ends all sessions and lets the witnesses tell what they know. Serve calls it; who uses Handler alone does too.
func (s *Server) Close() error {
	var all error
	for _, n := range s.endpoints {
		if n.bridge != nil {
			all = errors.Join(all, n.bridge.Close())
		}
		if n.mcp != nil {
			if err := n.mcp.Close(); err != nil {
				all = errors.Join(all, fmt.Errorf("ending the sessions of %s: %w", n.URL, err))
			}
		}
		n.stand.close()
	}
	return all
}

// httpServer has limits on what clients send, and none on how long a stream may be: answers that do not stream have their
// own deadlines.
func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelWarn),
	}
}

// cutting ends GET requests, which are streams that nothing would end, when streams is done.
func cutting(streams context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(streams, cancel)()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// warm fetches the keys before the first token comes, and tells the log when that fails; requests fetch them again.
func (s *Server) warm(ctx context.Context) {
	var fetching sync.WaitGroup
	for _, n := range s.endpoints {
		if n.everything != nil {
			continue // nothing is verified here
		}
		fetching.Go(func() {
			if err := n.keys.Fetch(ctx); err != nil && ctx.Err() == nil {
				s.opts.Logger.Warn("the authorization server's keys cannot be fetched yet; tokens are answered with 503 until they can",
					"issuer", n.Issuer, "error", err)
			}
		})
	}
	fetching.Wait()
}
