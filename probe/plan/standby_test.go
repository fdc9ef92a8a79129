package plan

import "testing"

// spare is a setting that only stands by.
type spare struct{ *setting }

func (spare) Standby() {}

func TestWhatStandsByIsInNoPlanWhileItIsNotNeeded(t *testing.T) {
	t.Parallel()
	w := world{"a": "1", "b": "1", "c": "2"}
	all := []Resource{&setting{w: w, key: "a", want: "1"}, spare{&setting{w: w, key: "b", want: "1"}}, spare{&setting{w: w, key: "c", want: "1"}}}
	left, p, err := LookNeeded(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || len(p.Changes) != 2 || left[0].Name() != "world/a" || left[1].Name() != "world/c" || p.Changes[1].Resource != "world/c" {
		t.Errorf("left are %v, planned is %+v", left, p)
	}
}
