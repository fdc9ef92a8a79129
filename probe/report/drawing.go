package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A lane is who stands at a line of the sequence diagram.
type lane int

const (
	laneClient lane = iota
	laneBrowser
	laneEdge
	laneServer
	laneAuth
)

var laneNames = [...]string{"client", "user's browser", "edge", "MCP server", "authorization server"}

var laneOfParty = map[probe.Owner]lane{
	probe.OwnerClient: laneClient, probe.OwnerEdge: laneEdge, probe.OwnerOrigin: laneServer, probe.OwnerAuthorizationServer: laneAuth,
}

// A drawing lays a report out as a sequence diagram.
type drawing struct {
	r       *Report
	o       PageOptions
	id      string
	trace   *probe.Trace
	placing *probe.Placing
	lanes   []lane
	names   []string
	// home is the number of the exchange at which a finding is told in full, 0 for none.
	home map[string]int
}

func newDrawing(r *Report, o PageOptions, id string) *drawing {
	d := &drawing{r: r, o: o, id: id, trace: &probe.Trace{Target: r.Target, Profile: r.Profile, Facts: r.Facts}, home: map[string]int{}}
	if d.trace.Profile == nil {
		d.trace.Profile = &probe.Profile{}
	}
	for i := range r.Exchanges {
		d.trace.Exchanges = append(d.trace.Exchanges, &r.Exchanges[i])
	}
	d.placing = probe.NewPlacing(d.trace)
	d.findLanes()
	for _, f := range r.Findings {
		d.home[f.Check] = d.homeOf(f)
	}
	return d
}

// findLanes keeps the lanes at which anything happens; a client and a server are always there.
func (d *drawing) findLanes() {
	used := map[lane]bool{laneClient: true, laneServer: true}
	for _, x := range d.trace.Exchanges {
		a := d.arrow(x)
		used[a.from], used[a.to] = true, true
		used[laneEdge] = used[laneEdge] || a.through
	}
	for l := range laneNames {
		if used[lane(l)] {
			d.lanes, d.names = append(d.lanes, lane(l)), append(d.names, laneNames[l])
		}
	}
}

// homeOf is the first exchange that a finding cites, one of the client's own before what only a probe asked.
func (d *drawing) homeOf(f probe.Finding) int {
	home := 0
	for _, n := range f.Exchanges {
		x := d.numbered(n)
		switch {
		case x == nil:
		case home == 0, d.numbered(home).Probe != "" && x.Probe == "":
			home = n
		case (x.Probe == "") == (d.numbered(home).Probe == ""):
			home = min(home, n)
		}
	}
	return home
}

func (d *drawing) numbered(n int) *probe.Exchange {
	for _, x := range d.trace.Exchanges {
		if x.N == n {
			return x
		}
	}
	return nil
}

// An arrow goes from whoever asks to whoever answers.
type arrow struct {
	from, to lane
	through  bool // an edge has passed it on
}

func (d *drawing) arrow(x *probe.Exchange) arrow {
	a := arrow{from: laneClient, to: laneOfParty[d.placing.Party(x)]}
	if d.trace.Is(x, probe.Authorization) || d.trace.Is(x, probe.Login) || d.trace.Is(x, probe.Callback) {
		a.from = laneBrowser
	}
	if d.o.Answered == nil {
		return a
	}
	switch edge, self := d.o.Answered(x); {
	case self:
		a.to = laneEdge
	case edge != "":
		a.through = true
	}
	return a
}

// at is where a lane is drawn, in percent of the width.
func (d *drawing) at(l lane) float64 {
	return (float64(slices.Index(d.lanes, l)) + 0.5) * 100 / float64(len(d.lanes))
}

func percent(f float64) string { return fmt.Sprintf("%.2f", f) }

// rows are the findings that rest on no exchange, what the client did, and what only a probe asks: where that shows that
// something is wrong, and where it does not.
func (d *drawing) rows() (before []pageFinding, made, probes, quiet []pageRow) {
	for _, f := range d.r.Findings {
		if d.home[f.Check] == 0 && wrong(f) {
			before = append(before, d.finding(f))
		}
	}
	stage := probe.Stage("")
	for _, x := range d.trace.Exchanges {
		row := d.row(x)
		switch {
		case x.Probe != "" && len(row.Wrong)+len(row.See) == 0:
			quiet = append(quiet, row)
			continue
		case x.Probe != "":
			probes = append(probes, row)
			continue
		}
		if at, ok := d.placing.Stage(x); ok && at != stage {
			stage, row.Stage = at, string(at)
		}
		made = append(made, row)
	}
	return before, made, probes, quiet
}

func wrong(f probe.Finding) bool { return f.Outcome == probe.Failed || f.Outcome == probe.Warned }

func (d *drawing) row(x *probe.Exchange) pageRow {
	a := d.arrow(x)
	from, to := d.at(a.from), d.at(a.to)
	row := pageRow{
		N: x.N, Anchor: d.anchor(x.N), Method: plain(x.Request.Method), Where: d.where(x), Asks: asked(x), Probe: plain(x.Probe),
		Left: percent(min(from, to)), Width: percent(max(from, to) - min(from, to)), Back: to < from,
		Answer: came(x), NoAnswer: x.Response == nil, Open: x.Open && x.Response == nil, Class: answerClass(x),
		Sent: strings.Join(sentLines(x), "\n"), Got: strings.Join(gotLines(x), "\n"),
	}
	if a.through {
		row.Through, row.ThroughAt = true, percent(d.at(laneEdge))
	}
	if x.Timing.Total > 0 {
		row.Time = fmt.Sprintf("%.0f ms", x.Timing.Total)
	}
	for _, f := range x.Notes {
		row.Notes = append(row.Notes, factLine(f))
	}
	d.findingsOn(x, &row)
	return row
}

// findingsOn puts what was found on an exchange beside it; what is wrong is told in full once.
func (d *drawing) findingsOn(x *probe.Exchange, row *pageRow) {
	for _, f := range d.r.Findings {
		if !slices.Contains(f.Exchanges, x.N) {
			continue
		}
		switch v := d.finding(f); {
		case !wrong(f) && f.Outcome == probe.Passed:
			row.Passed = append(row.Passed, v)
		case !wrong(f):
		case d.home[f.Check] == x.N:
			row.Wrong = append(row.Wrong, v)
			row.Broken = row.Broken || f.Outcome == probe.Failed
		default:
			row.See = append(row.See, v)
		}
	}
}

// where is a URL without its query, and without the host where it is the target's.
func (d *drawing) where(x *probe.Exchange) string {
	u, target := x.URL(), d.trace.URL()
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if strings.EqualFold(u.Host, target.Host) && u.Scheme == target.Scheme {
		return plain(path)
	}
	return plain(u.Scheme + "://" + u.Host + path)
}

func answerClass(x *probe.Exchange) string {
	switch {
	case x.Response == nil && x.Error == nil:
		return "open"
	case x.Response == nil || x.Status() >= 500:
		return "bad"
	case x.Status() >= 400:
		return "refused"
	}
	return "good"
}

func (d *drawing) anchor(n int) string { return fmt.Sprintf("%s-x%d", d.id, n) }

func (d *drawing) finding(f probe.Finding) pageFinding {
	v := pageFinding{
		Check: plain(f.Check), Title: plain(f.Title), Detail: plain(f.Detail), Class: string(f.Outcome), Mark: signs[f.Outcome],
		Anchor: d.id + "-" + plain(f.Check), Doc: f.Doc, Spec: f.Spec, SpecName: specName(f.Spec), Folded: f.Because != "",
	}
	for _, row := range findingRows(f) {
		if row[0] != "more" && row[0] != "why" {
			v.Rows = append(v.Rows, row)
		}
	}
	if f.Because != "" {
		v.Because, v.BecauseAnchor = plain(f.Because), d.id+"-"+plain(f.Because)
	}
	for _, n := range slices.Compact(slices.Sorted(slices.Values(f.Exchanges))) {
		v.On = append(v.On, pageLink{n, d.anchor(n)})
	}
	return v
}

// specName is how a link to a section is called.
func specName(spec string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(spec, "https://"), "www.")
	for _, from := range []string{"datatracker.ietf.org/doc/html/", "rfc-editor.org/rfc/"} {
		if rest, ok := strings.CutPrefix(name, from); ok {
			name = rest
		}
	}
	name = strings.TrimPrefix(name, "modelcontextprotocol.io/specification/")
	name = strings.ReplaceAll(name, "#section-", " section ")
	if strings.HasPrefix(name, "rfc") {
		name = "RFC " + name[3:]
	}
	return plain(strings.ReplaceAll(name, "#", " § "))
}

// stages are all that was found, in its order.
func (d *drawing) stages() []pageStage {
	var all []pageStage
	for _, stage := range probe.Stages {
		s, n := pageStage{Name: string(stage)}, map[probe.Outcome]int{}
		var found []probe.Finding
		for _, f := range d.r.Findings {
			if f.Stage == stage {
				found, n[f.Outcome] = append(found, f), n[f.Outcome]+1
				s.Findings = append(s.Findings, d.finding(f))
			}
		}
		if len(found) == 0 {
			continue
		}
		worst := probe.Skipped
		for _, o := range []probe.Outcome{probe.Failed, probe.Warned, probe.Passed, probe.Unclear, probe.Skipped} {
			if n[o] > 0 {
				s.Counts = append(s.Counts, pageCount{signs[o], string(o), "", n[o]})
				if worst == probe.Skipped {
					worst = o
				}
			}
		}
		s.Class, s.Mark = string(worst), signs[worst]
		if worst == probe.Skipped {
			s.Why = whySkipped(found)
		}
		all = append(all, s)
	}
	return all
}

func (d *drawing) unclear() []pageFinding {
	var all []pageFinding
	for _, f := range d.r.Findings {
		if f.Outcome == probe.Unclear {
			all = append(all, d.finding(f))
		}
	}
	return all
}
