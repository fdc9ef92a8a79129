package wizard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// Ways are offered as a client's profile knows them, and a client that brings its id along is asked nothing more.
func TestWaysToAnID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string][]string{
		"claude-ai": {plan.PreRegistered, plan.Dynamic, plan.MetadataDocument}, "inspector": {plan.PreRegistered, plan.Dynamic}, "m2m": {plan.PreRegistered},
	} {
		p, err := profiles.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range ways(p) {
			got = append(got, o.value)
			if waysInWords[o.value] == "" {
				t.Errorf("nothing is said of %s", o.value)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
}

func TestAClientThatRegistersItself(t *testing.T) {
	t.Parallel()
	start := filled()
	start.Connection.Clients = []plan.Client{{Profile: "claude-ai", ID: "claude-1", Consent: new(bool)}}
	w := walk(newWorld(), start)
	s := show(t, w.page(w.clientsTopic()), tui.NewTheme(looks["dark"]), 80, 21)
	s.keys("enter")
	s.shows("How does Claude get its client id?")
	s.shows("needs nothing experimental")
	s.keys("down")
	s.shows("opens registration without a sign-in")
	s.keys("enter")
	s.shows("A user to try it with?")
	s.keys("enter")
	s.goes(tui.Next{})
	a := w.Answers()
	if d := cmp.Diff([]plan.Client{{Profile: "claude-ai", Registration: plan.Dynamic, Server: a.Connection.Clients[0].Server}}, a.Connection.Clients); d != "" {
		t.Error(d)
	}
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
	// What is chosen hides no other.
	s = show(t, w.page(w.clientsTopic()), tui.NewTheme(looks["dark"]), 40, 12)
	s.keys("enter")
	for _, o := range []string{"  mcpwiz makes it", "▌ it registers itself", "  by its metadata document"} {
		s.shows(o)
	}
	// Begun from what was written it is as it was, and back again it is made as ever.
	again := walk(newWorld(), a)
	if d := cmp.Diff(a.Connection.Clients, again.Answers().Connection.Clients); d != "" {
		t.Error(d)
	}
	again.draft.clients["claude-ai"].way = plan.PreRegistered
	again.settle()
	if c := again.Answers().Connection.Clients[0]; c.Registration != "" || c.ID != "claude" || !*c.Confidential {
		t.Errorf("%+v", c)
	}
}

// A plan of which the administrator may not do all is not applied, and says what is lacking.
func TestThePlanSaysWhatMayBeDone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.lacks = "client robot may do 1 of 2 steps: it lacks manage-realm for keycloak/realm/mcp"
	s := onStage(t, walk(w, filled()), 80, 24)
	s.enterToThePlan()
	s.shows("✗ client robot may do 1 of 2 steps: it lacks manage-realm for")
	s.keys("enter")
	if s.app.At().Name() != "plan" || strings.Contains(bare(s.app.View()), "enter apply") {
		t.Errorf("it goes on:\n%s", bare(s.app.View()))
	}
	w.lacks = ""
	s.keys("r")
	s.shows("✓ admin may do all 2 steps")
	s.keys("enter")
	s.shows("read again and compared")

	w.lacks = "client robot may do 1 of 2 steps"
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", asked)+"n\n")
	if err == nil || !strings.Contains(err.Error(), w.lacks) || strings.Contains(out, "Apply it?") {
		t.Errorf("in lines: %v\n%s", err, out)
	}
}
