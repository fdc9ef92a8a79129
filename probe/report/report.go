package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Schema and SchemaMany name what WriteJSON writes; a number goes up only when a field changes its meaning.
const (
	Schema     = "mcpwiz.report/1"
	SchemaMany = "mcpwiz.reports/1"
)

// A Report is one handshake as machines read it. Fields are only ever added.
type Report struct {
	Schema string     `json:"schema"`
	Tool   probe.Tool `json:"tool"`
	// CapturedBy is the tool that collected the evidence, where it was read back and judged again.
	CapturedBy *probe.Tool    `json:"captured_by,omitempty"`
	Target     string         `json:"target"`
	Profile    *probe.Profile `json:"profile"`
	Source     probe.Source   `json:"source"`
	Handshake  string         `json:"handshake"`
	Started    time.Time      `json:"started"`
	// DurationMS runs to the trace's last moment.
	DurationMS int64                     `json:"duration_ms"`
	Expected   []probe.Evidence          `json:"expected"`
	Excused    map[probe.Evidence]string `json:"excused"`
	Facts      []probe.Fact              `json:"facts"`
	Summary    probe.Summary             `json:"summary"`
	Findings   []probe.Finding           `json:"findings"`
	Exchanges  []probe.Exchange          `json:"exchanges"`
}

// many is several reports in one document.
type many struct {
	Schema  string    `json:"schema"`
	Reports []*Report `json:"reports"`
}

// A Collector makes reports of the events it is given. Findings come in the order of its catalogue, whenever they were told.
type Collector struct {
	order   order
	reports []*Report
	by      map[string]*Report
}

// NewCollector returns a collector for sessions that judge with checks.
func NewCollector(checks []*probe.Check) *Collector {
	return &Collector{order: newOrder(checks), by: map[string]*Report{}}
}

// Sink takes an event of a session.
func (c *Collector) Sink(e probe.Event) {
	switch e := e.(type) {
	case probe.Started:
		c.start(e)
	case probe.Recognised:
		c.on(e.Handshake, func(r *Report) { r.Profile = e.Profile })
	case probe.Seen:
		c.on(e.Handshake, func(r *Report) { r.see(e.Exchange) })
	case probe.Noted:
		c.on(e.Handshake, func(r *Report) { r.Facts = append(r.Facts, e.Fact) })
	case probe.Excused:
		c.on(e.Handshake, func(r *Report) { r.Excused[e.Evidence] = e.Reason })
	case probe.Found:
		c.on(e.Handshake, func(r *Report) { r.find(e.Finding) })
	case probe.Finished:
		c.on(e.Handshake, func(r *Report) { r.finish(e, c.order) })
	}
}

// Reports returns the handshakes in the order in which they started.
func (c *Collector) Reports() []*Report { return c.reports }

func (c *Collector) start(e probe.Started) {
	r := &Report{
		Schema: Schema, Tool: e.Tool, CapturedBy: e.CapturedBy, Target: e.Target, Profile: e.Profile, Source: e.Source,
		Handshake: e.Handshake, Started: e.At, Expected: append([]probe.Evidence{}, e.Expect...),
		Excused: map[probe.Evidence]string{}, Facts: []probe.Fact{}, Findings: []probe.Finding{},
		Exchanges: []probe.Exchange{},
	}
	c.reports = append(c.reports, r)
	c.by[e.Handshake] = r
}

func (c *Collector) on(handshake string, change func(*Report)) {
	if r := c.by[handshake]; r != nil {
		change(r)
	}
}

// see keeps the last state of an exchange.
func (r *Report) see(x probe.Exchange) {
	for i := range r.Exchanges {
		if r.Exchanges[i].N == x.N {
			r.Exchanges[i] = x
			return
		}
	}
	r.Exchanges = append(r.Exchanges, x)
}

func (r *Report) find(f probe.Finding) {
	for i := range r.Findings {
		if r.Findings[i].Check == f.Check {
			r.Findings[i] = f
			return
		}
	}
	r.Findings = append(r.Findings, f)
}

// finish orders what came as it was found: findings as in the catalogue, exchanges by number.
func (r *Report) finish(e probe.Finished, o order) {
	r.Summary = e.Summary
	r.DurationMS = e.At.Sub(r.Started).Milliseconds()
	slices.SortStableFunc(r.Findings, o.compare)
	slices.SortStableFunc(r.Exchanges, func(a, b probe.Exchange) int { return cmp.Compare(a.N, b.N) })
}

// An order knows the place of each check in a catalogue.
type order map[string]int

func newOrder(checks []*probe.Check) order {
	o := order{}
	for i, c := range probe.InOrder(checks) {
		o[c.ID] = i
	}
	return o
}

// compare puts findings by stage, then as in the catalogue, those of unknown checks last and by name.
func (o order) compare(a, b probe.Finding) int {
	place := func(f probe.Finding) int {
		if i, ok := o[f.Check]; ok {
			return i
		}
		return len(o)
	}
	return cmp.Or(
		cmp.Compare(slices.Index(probe.Stages, a.Stage), slices.Index(probe.Stages, b.Stage)),
		cmp.Compare(place(a), place(b)), cmp.Compare(a.Check, b.Check))
}
