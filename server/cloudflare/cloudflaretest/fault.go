package cloudflaretest

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Fault is something that goes wrong with the API.
type Fault struct {
	// Method and Path say of which calls: Path is a part of theirs. Empty: all.
	Method, Path string
	// Status is what they are answered with: 429, 500, 502 or another. 0: as they would be without it, after Delay.
	Status int
	// Times is how often; 0 is always.
	Times int
	// RetryAfter is told with the status when it is set.
	RetryAfter time.Duration
	// Delay is before the answer.
	Delay time.Duration

	seen int
}

// Fail makes calls go wrong from now on.
func (c *Cloudflare) Fail(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// Mend ends all faults.
func (c *Cloudflare) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

func (c *Cloudflare) fault(r *http.Request) (Fault, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults {
		if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) || f.Times > 0 && f.seen >= f.Times {
			continue
		}
		f.seen++
		return *f, true
	}
	return Fault{}, false
}

// fails answers a call that goes wrong.
func (c *Cloudflare) fails(w http.ResponseWriter, r *http.Request) bool {
	f, ok := c.fault(r)
	if !ok {
		return false
	}
	if f.Delay > 0 {
		select {
		case <-r.Context().Done():
			return true
		case <-time.After(f.Delay):
		}
	}
	if f.Status == 0 {
		return false
	}
	a := broken(f.Status)
	if f.RetryAfter > 0 {
		a = a.with("Retry-After", strconv.Itoa(int(f.RetryAfter.Round(time.Second)/time.Second)))
	}
	if s, ok := a.body.(string); ok {
		maps.Copy(w.Header(), a.header)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		_, _ = fmt.Fprint(w, s)
		return true
	}
	write(w, a)
	return true
}

// broken is how the API refuses for reasons of its own: a gateway that got nothing answers with a page.
func broken(status int) answer {
	switch status {
	case http.StatusTooManyRequests:
		return refused(status, 971, "Please wait and consider throttling your request speed")
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return answer{status: status, body: fmt.Sprintf("<html>\r\n<head><title>%[1]d %[2]s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n", status, http.StatusText(status))}
	}
	return refused(status, 10001, "Service temporarily unavailable")
}
