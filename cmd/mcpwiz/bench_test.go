package main

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// BenchmarkStart is how long the binary takes to begin and end: below 50 ms, on a machine that does nothing else.
func BenchmarkStart(b *testing.B) {
	for _, args := range [][]string{{"version"}, {"--help"}, {"explain", "token.audience-names-target"}} {
		b.Run(args[0], func(b *testing.B) {
			for b.Loop() {
				if err := exec.Command("mcpwiz", args...).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// roundTrip is what lies between a user and a server on another continent.
const roundTrip = 50 * time.Millisecond

// pairs are the handshakes of one turn, goal is what a doctor may take of the critical path: the client's own way, and where a
// user signs in the one probe that can only come after everything else, as it may end the grant (probe:refresh-retry).
const (
	pairs = 3
	goal  = 1.05
)

var afterwards = map[string]time.Duration{"claude-ai": roundTrip}

// BenchmarkDoctor is how long a doctor takes who asks all there is, against the client's own way alone, in pairs. What does not
// rest on each other is asked at once, so the probes should cost next to nothing.
func BenchmarkDoctor(b *testing.B) {
	for _, as := range []string{"claude-ai", "m2m"} {
		b.Run(as, func(b *testing.B) {
			r := newRig(b, fault{})
			timed(b, r, as, false) // the user is asked for consent once
			var alone, all []time.Duration
			for b.Loop() {
				for range pairs {
					alone = append(alone, timed(b, r, as, false))
					all = append(all, timed(b, r, as, true))
				}
			}
			ratio := float64(slices.Min(all)) / float64(slices.Min(alone)+afterwards[as]) // what else the machine does only adds
			b.ReportMetric(float64(slices.Min(alone).Milliseconds()), "ms/alone")
			b.ReportMetric(float64(slices.Min(all).Milliseconds()), "ms/doctor")
			b.ReportMetric(ratio, "x/critical-path")
			if ratio > goal {
				b.Errorf("the doctor takes %.2f times the critical path, more than %.2f", ratio, goal)
			}
		})
	}
}

func timed(b *testing.B, r *rig, as string, probes bool) time.Duration {
	b.Helper()
	o := r.options(b, as)
	o.Probes, o.Transport = probes, distant()
	start := time.Now()
	sum := emulated(b, o, func(probe.Event) {})
	took := time.Since(start)
	if sum.Status != probe.Healthy {
		b.Fatalf("the handshake ends %s at %s", sum.Status, toMend(sum))
	}
	return took
}

// distant reaches this machine as if it were far away: a connection takes a round trip, and so does every answer.
func distant() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		time.Sleep(roundTrip)
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return &distantConn{Conn: c}, err
	}
	return t
}

type distantConn struct {
	net.Conn
	// asked is when something was sent last, in Unix nanoseconds.
	asked atomic.Int64
}

func (c *distantConn) Write(b []byte) (int, error) {
	c.asked.Store(time.Now().UnixNano())
	return c.Conn.Write(b)
}

// Read returns what came, not before it could have come.
func (c *distantConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	time.Sleep(time.Until(time.Unix(0, c.asked.Load()).Add(roundTrip)))
	return n, err
}
