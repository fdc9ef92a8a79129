package probe

import "fmt"

// A Check is a requirement and its judge. It is a value: no constructor, no registration.
type Check struct {
	// ID is stable: it stands in JSON, in docs and on the command line. "<stage>.<what-is-true>".
	ID string
	// Title is what is true when the check passes, in lower case, without a full stop.
	Title string
	// Doc says why it matters, how it shows, and how to mend it.
	Doc   string
	Stage Stage
	Level Level
	Owner Owner
	// Spec links the section the requirement comes from; Since and Until are the MCP revisions it holds for, inclusive.
	Spec, Since, Until string
	// Needs is the evidence without which there is nothing to judge.
	Needs []Evidence
	// After names checks that must not have failed.
	After []string
	// Symptom marks a check that judges whether a step got through, not a thing as it is.
	Symptom bool
	// OnRequest: it judges what only an audit or a witness brings. Where there is none, there is no finding of it, not even a skip.
	OnRequest bool
	// Judge is a function of the trace alone: no I/O, no clock, no state.
	Judge func(*Trace) Verdict
}

// A Verdict is what a judge says.
type Verdict struct {
	Outcome   Outcome
	Detail    string
	Effect    string
	Remedy    string
	Owner     Owner
	Resource  string
	Further   []string
	Cause     string
	Exchanges []int
	// grounded is true when the verdict cites an exchange or a fact.
	grounded bool
}

// Pass says that the requirement is met. A pass cites its evidence with On, else it is told as unknown.
func Pass(format string, args ...any) Verdict { return verdict(Passed, format, args) }

// Warn says that the requirement is met badly, whatever the check's level.
func Warn(format string, args ...any) Verdict { return verdict(Warned, format, args) }

// Fail says that the requirement is missed: a failure for a Must, a warning for a Should.
func Fail(format string, args ...any) Verdict { return verdict(Failed, format, args) }

// Skip says that the requirement does not apply, and why.
func Skip(format string, args ...any) Verdict { return verdict(Skipped, format, args) }

// Unknown says that it cannot be decided from here, and why.
func Unknown(format string, args ...any) Verdict { return verdict(Unclear, format, args) }

func verdict(o Outcome, format string, args []any) Verdict {
	if len(args) == 0 {
		return Verdict{Outcome: o, Detail: format}
	}
	return Verdict{Outcome: o, Detail: fmt.Sprintf(format, args...)}
}

// On cites the exchanges the verdict rests on; nil ones are left out.
func (v Verdict) On(xs ...*Exchange) Verdict {
	for _, x := range xs {
		if x != nil {
			v.Exchanges = append(v.Exchanges, x.N)
			v.grounded = true
		}
	}
	return v
}

// OnFact cites a fact the verdict rests on.
func (v Verdict) OnFact(...Fact) Verdict { v.grounded = true; return v }

// So tells the effect: what this means for which client.
func (v Verdict) So(format string, args ...any) Verdict { v.Effect = sprint(format, args); return v }

// Mend tells the remedy, a command or a setting by its exact name.
func (v Verdict) Mend(format string, args ...any) Verdict { v.Remedy = sprint(format, args); return v }

// Who names who must act, where it is not the check's own owner.
func (v Verdict) Who(o Owner) Verdict { v.Owner = o; return v }

// By names the resource that would put it right, "keycloak/client/claude"; further ones where it takes several.
func (v Verdict) By(resource string, further ...string) Verdict {
	v.Resource, v.Further = resource, further
	return v
}

// Because names the check that explains this verdict.
func (v Verdict) Because(check string) Verdict { v.Cause = check; return v }

func sprint(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// A Finding is a check and its verdict as machines read it; schema mcpwiz.report/1.
type Finding struct {
	Check     string     `json:"check"`
	Stage     Stage      `json:"stage"`
	Level     Level      `json:"level"`
	Outcome   Outcome    `json:"outcome"`
	Title     string     `json:"title"`
	Detail    string     `json:"detail,omitempty"`
	Effect    string     `json:"effect,omitempty"`
	Owner     Owner      `json:"owner,omitempty"`
	Because   string     `json:"because,omitempty"`
	Remedy    string     `json:"remedy,omitempty"`
	Missing   []Evidence `json:"missing,omitempty"`
	By        string     `json:"by,omitempty"`
	ByAlso    []string   `json:"by_also,omitempty"`
	Spec      string     `json:"spec,omitempty"`
	Doc       string     `json:"doc,omitempty"`
	Exchanges []int      `json:"exchanges,omitempty"`
}

// Resources are all that would put it right.
func (f Finding) Resources() []string {
	if f.By == "" {
		return nil
	}
	return append([]string{f.By}, f.ByAlso...)
}

// NotReached reports whether the finding's evidence was expected and never came.
func (f Finding) NotReached() bool { return f.Outcome == Skipped && len(f.Missing) > 0 }

// DocURL is where the page of a check is, docs/checks of this repository: the same as mcpwiz explain says, with an example of
// each thing that it tells.
func DocURL(check string) string {
	return "https://github.com/mcpwiz/mcpwiz/blob/main/docs/checks/" + check + ".md"
}

// A Status is how a handshake ended.
type Status string

const (
	Healthy    Status = "healthy"
	Unhealthy  Status = "failed"
	Incomplete Status = "incomplete"
)

// A Summary is a handshake's end: First is the check to mend first, the cause and not the loudest symptom.
type Summary struct {
	Status Status  `json:"status"`
	First  *string `json:"first"`
	Counts Counts  `json:"counts"`
}

// Counts counts findings by outcome.
type Counts struct {
	Pass       int `json:"pass"`
	Warn       int `json:"warn"`
	Fail       int `json:"fail"`
	Skip       int `json:"skip"`
	Unknown    int `json:"unknown"`
	NotReached int `json:"not_reached"`
}
