package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// JUnitOptions say how a JUnit report is written.
type JUnitOptions struct {
	// FailOnWarn makes a failure of a warning too, as the exit code does.
	FailOnWarn bool
}

// The document that CI systems read: a suite is a stage of a handshake, a case is a check.
type (
	junitDocument struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
		Skipped *junitResult `xml:"skipped"`
		Out     string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes reports as JUnit's XML. What failed is a failure; a warning passes and is told as output; what could not
// be decided or does not apply is skipped. What was not reached is skipped where something else failed, and an error where
// nothing did: the handshake is incomplete, and must not be taken for a good one.
func WriteJUnit(w io.Writer, o JUnitOptions, reports ...*Report) error {
	doc := junitDocument{Name: "mcpwiz"}
	for _, r := range reports {
		for _, stage := range probe.Stages {
			if s := o.suite(r, stage); s.Tests > 0 {
				doc.add(s)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	b.WriteByte('\n')
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (d *junitDocument) add(s junitSuite) {
	d.Suites = append(d.Suites, s)
	d.Tests, d.Failures, d.Errors, d.Skipped = d.Tests+s.Tests, d.Failures+s.Failures, d.Errors+s.Errors, d.Skipped+s.Skipped
}

func (o JUnitOptions) suite(r *Report, stage probe.Stage) junitSuite {
	as := "stranger"
	if r.Profile != nil {
		as = plain(r.Profile.ID)
	}
	s := junitSuite{
		Name: plain(r.Target) + " as " + as + ": " + string(stage), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{
			{"target", plain(r.Target)}, {"profile", as}, {"handshake", plain(r.Handshake)}, {"source", plain(string(r.Source))},
			{"tool", plain(r.Tool.Name + " " + r.Tool.Version)},
		},
	}
	for _, f := range r.Findings {
		if f.Stage != stage {
			continue
		}
		c := o.testCase(r, f, "mcpwiz."+as+"."+string(stage))
		s.Cases = append(s.Cases, c)
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

func (o JUnitOptions) testCase(r *Report, f probe.Finding, class string) junitCase {
	c := junitCase{Class: class, Name: plain(f.Check)}
	told := &junitResult{Message: plain(f.Title + ": " + f.Detail), Type: plain(string(f.Owner)), Text: rowsOf(f)}
	switch {
	case f.Outcome == probe.Failed, f.Outcome == probe.Warned && o.FailOnWarn:
		c.Failure = told
	case f.Outcome == probe.Warned:
		c.Out = "warning: " + told.Message + "\n" + told.Text
	case f.NotReached() && r.Summary.Status == probe.Incomplete:
		c.Error = &junitResult{Message: plain(f.Detail), Type: "not-reached"}
	case f.Outcome == probe.Unclear:
		c.Skipped = &junitResult{Message: "unknown: " + plain(f.Detail)}
	case f.Outcome == probe.Skipped:
		c.Skipped = &junitResult{Message: plain(f.Detail)}
	default:
		c.Out = plain(f.Detail)
	}
	return c
}

// rowsOf is a finding in the five rows it always has, and what explains it.
func rowsOf(f probe.Finding) string {
	var b strings.Builder
	for _, row := range findingRows(f) {
		fmt.Fprintf(&b, "%-6s %s\n", row[0], row[1])
	}
	return b.String()
}

// findingRows are what is told of a finding that is not well: the label and the words, made harmless.
func findingRows(f probe.Finding) [][2]string {
	var rows [][2]string
	add := func(label, text string) {
		if text != "" {
			rows = append(rows, [2]string{label, plain(text)})
		}
	}
	if f.Because != "" {
		add("why", "explained by "+f.Because)
	}
	add("seen", f.Detail+cited(f.Exchanges))
	add("so", f.Effect)
	add("mend", f.Remedy)
	add("who", who(f))
	add("more", f.Doc)
	return rows
}
