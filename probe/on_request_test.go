package probe

import "testing"

// What only an audit brings is judged where it came or was asked for; elsewhere a report is as if there were no such check.
func TestOnRequest(t *testing.T) {
	t.Parallel()
	check := &Check{ID: "token.whole", Stage: StageToken, Level: Must, OnRequest: true, Needs: []Evidence{OfFact("seen-inside")},
		Judge: func(t *Trace) Verdict { return Pass("fine").OnFact(t.FactsOf("seen-inside")...) }}
	for name, one := range map[string]struct {
		expect  []Evidence
		came    bool
		counted int
		want    Outcome
	}{
		"nobody asked":         {},
		"asked, never came":    {[]Evidence{OfFact("seen-inside")}, false, 1, Skipped},
		"asked, and came":      {[]Evidence{OfFact("seen-inside")}, true, 1, Passed},
		"came without a claim": {nil, true, 0, Passed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var began Started
			s := NewSession(Opening{Target: "https://mcp.example.com/mcp", Expect: one.expect, Checks: []*Check{check}}, func(e Event) {
				if e, ok := e.(Started); ok {
					began = e
				}
			})
			if one.came {
				s.Note(Fact{Kind: "seen-inside"})
			}
			s.Close()
			all := s.Findings()
			switch {
			case began.Checks[StageToken] != one.counted:
				t.Errorf("%d checks are announced, want %d", began.Checks[StageToken], one.counted)
			case one.want == "" && len(all) > 0:
				t.Errorf("told: %+v", all)
			case one.want != "" && (len(all) != 1 || all[0].Outcome != one.want):
				t.Errorf("told %+v, want %s", all, one.want)
			}
		})
	}
}
