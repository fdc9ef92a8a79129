package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// metrics are what monitoring is told. Labels have few values each: servers of the configuration, methods, codes, reasons, checks.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	upstream *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mcpwiz_requests_total", Help: "Requests answered, by server, method and status."}, []string{"server", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mcpwiz_request_duration_seconds", Help: "Time to the end of the answer; streams, which are GET, are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"server"}),
		tokens:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mcpwiz_token_verifications_total", Help: "Access tokens judged, by outcome: good, or why not."}, []string{"server", "outcome"}),
		upstream: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mcpwiz_upstream_failures_total", Help: "Requests that the server behind did not answer as it must."}, []string{"server"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.tokens, m.upstream, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// methods are those that are counted by name: whoever likes can send another.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodHead}

func (m *metrics) request(server, method string, status int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = "other"
	}
	m.requests.WithLabelValues(server, method, strconv.Itoa(status)).Inc()
	if method != http.MethodGet {
		m.seconds.WithLabelValues(server).Observe(took.Seconds())
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// counted counts what becomes of tokens.
func (m *metrics) counted(server string, verify func(context.Context, string) (*gateway.Token, error)) func(context.Context, string) (*gateway.Token, error) {
	if m == nil {
		return verify
	}
	good := m.tokens.WithLabelValues(server, "good")
	return func(ctx context.Context, raw string) (*gateway.Token, error) {
		token, err := verify(ctx, raw)
		if err == nil {
			good.Inc()
		} else {
			m.tokens.WithLabelValues(server, outcomeOf(err)).Inc()
		}
		return token, err
	}
}

// failed counts what breaks at the server behind.
func (m *metrics) failed(server string) func(error) {
	if m == nil {
		return nil
	}
	count := m.upstream.WithLabelValues(server)
	return func(error) { count.Inc() }
}

// A witnessed tells, when it is asked, what the witnesses keep and how the keys stand.
type witnessed struct{ s *Server }

var (
	handshakesDesc = prometheus.NewDesc("mcpwiz_handshakes", "Handshakes that the witness keeps, by client and status.", []string{"server", "client", "status"}, nil)
	findingsDesc   = prometheus.NewDesc("mcpwiz_findings", "Checks that failed or warned in the handshakes that the witness keeps.", []string{"server", "check", "outcome"}, nil)
	keysDesc       = prometheus.NewDesc("mcpwiz_keys", "Keys of the authorization server that are held.", []string{"server"}, nil)
	keysAgeDesc    = prometheus.NewDesc("mcpwiz_keys_age_seconds", "Time since the keys were fetched.", []string{"server"}, nil)
	readyDesc      = prometheus.NewDesc("mcpwiz_ready", "1 when tokens can be verified.", []string{"server"}, nil)
)

func (w witnessed) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{handshakesDesc, findingsDesc, keysDesc, keysAgeDesc, readyDesc} {
		to <- d
	}
}

func (w witnessed) Collect(to chan<- prometheus.Metric) {
	for _, n := range w.s.endpoints {
		handshakes, findings := map[[2]string]int{}, map[[2]string]int{}
		for _, h := range n.stand.Handshakes() {
			status := string(h.Summary.Status)
			if h.Open {
				status = "open"
			}
			client := "unknown"
			if h.Profile != nil {
				client = h.Profile.ID
			}
			handshakes[[2]string{client, status}]++
			for _, f := range h.Findings {
				if f.Outcome == probe.Failed || f.Outcome == probe.Warned {
					findings[[2]string{f.Check, string(f.Outcome)}]++
				}
			}
		}
		for of, count := range handshakes {
			to <- prometheus.MustNewConstMetric(handshakesDesc, prometheus.GaugeValue, float64(count), n.URL, of[0], of[1])
		}
		for of, count := range findings {
			to <- prometheus.MustNewConstMetric(findingsDesc, prometheus.GaugeValue, float64(count), n.URL, of[0], of[1])
		}
		k := n.keys.Status()
		to <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(k.Count), n.URL)
		if !k.Fetched.IsZero() {
			to <- prometheus.MustNewConstMetric(keysAgeDesc, prometheus.GaugeValue, w.s.opts.Now().Sub(k.Fetched).Seconds(), n.URL)
		}
		ready := 0.0
		if k.Usable || n.everything != nil {
			ready = 1
		}
		to <- prometheus.MustNewConstMetric(readyDesc, prometheus.GaugeValue, ready, n.URL)
	}
}
