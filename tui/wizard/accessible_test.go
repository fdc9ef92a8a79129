package wizard

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// asked is how many questions filled answers leave.
const asked = 17

func plainly(t *testing.T, w *world, o Options, script string) (string, error) {
	t.Helper()
	o.Desk, o.Path = w.desk(), "mcpwiz.yaml"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out strings.Builder
	err := Accessible(ctx, strings.NewReader(script), &out, o)
	return out.String(), err
}

func has(t *testing.T, out string, all ...string) {
	t.Helper()
	for _, want := range all {
		at := strings.Index(out, want)
		if at < 0 {
			t.Errorf("%q does not come, or not there; left is\n%s", want, out)
			return
		}
		out = out[at+len(want):]
	}
}

func TestPlainLinesFromNothingToTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out, err := plainly(t, w, Options{}, strings.Join([]string{
		"1", "mcp.example.com", "https://mcp.example.com/mcp", "", // a URL, put right; listen as it is
		"https://id.example.com/", "9", "1", // a number that is none
		"", "wrong", "", "right", // the password is asked for again
		"tools", "",
		"1,machines", "1 m2m", // Claude and machines
		"",                  // its id is made
		"claude-1", "", "2", // consent not asked
		"", "",
		"-",     // no test user
		"y",     // apply
		"1", "", // handshake as Claude, once
		"y", // the secret
		"", "",
	}, "\n")+"\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, out, "Address", `Wrong: public URL: "mcp.example.com" is no absolute`, "Good: nobody answers there yet",
		"Keycloak", `Wrong: "9" is none of them`, "Good: a Keycloak answers", "Wrong: Keycloak refuses the password of admin",
		"Administrator [admin]", "Password [Enter: the same as before]", "Good: Keycloak 26.7.0", "Which realm (one of its own is best) [mcp]",
		"Clients", `Wrong: "machines" is none of them`, "Note: Claude asks to sign in again after 30 days without use",
		"Plan", "+ keycloak/realm/mcp", "2 to make.", "Apply it? [y/N]", "The answers are in mcpwiz.yaml", "1 of 2: keycloak/realm/mcp made",
		"Connect as", "started h1", "finished h1", "Connect once more?", "URL: https://mcp.example.com/mcp", "Show the secret? [y/N]", "secret: s3cr3t",
		"Waiting for the client", "again: mcpwiz serve -f mcpwiz.yaml")
	if strings.Contains(out, "right") {
		t.Error("the password is told")
	}
	a := w.saved
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
	c := a.Connection
	if c.Keycloak.Issuer != "https://id.example.com/realms/tools" || len(c.Clients) != 2 || c.Clients[0].ID != "claude-1" || *c.Clients[0].Consent || len(c.Users) > 0 {
		t.Errorf("%+v", c)
	}
	if got, want := w.done(), "plan\nsave\napply\nserve\nhandshake claude-ai browser"; !strings.HasSuffix(got, want) {
		t.Errorf("did\n%s\nwant\n%s", got, want)
	}
}

func TestEnterAllTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", asked)+"y\n"+strings.Repeat("\n", 5))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, out, "Apply it? [y/N]: ", "keycloak/client/claude made", "finished h1", "again: ")
	if strings.Contains(out, "s3cr3t") {
		t.Error("the secret is told unasked")
	}
}

func TestADryRunEndsAfterThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out, err := plainly(t, w, Options{Start: filled(), DryRun: true}, strings.Repeat("\n", asked))
	if err != nil {
		t.Fatal(err)
	}
	has(t, out, "nothing: this is a dry run", "+ keycloak/realm/mcp", "Nothing was touched: this was a dry run.")
	if !strings.HasSuffix(w.done(), "\nplan") {
		t.Errorf("did\n%s", w.done())
	}
}

func TestTheAnswersEndTooSoon(t *testing.T) {
	t.Parallel()
	for enters, before := range map[int]string{1: "Which URL", 4: "1 to 3", 5: "Administrator", asked: "Apply it?"} {
		w := newWorld()
		out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", enters))
		if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), before) {
			t.Errorf("after %d: %v\n%s", enters, err, out)
		}
		if strings.Contains(w.done(), "apply") || strings.Contains(w.done(), "save") {
			t.Errorf("after %d: did\n%s", enters, w.done())
		}
	}
}

func TestNoMeansNo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", asked)+"perhaps\nno\ny\n")
	if err != nil {
		t.Fatal(err)
	}
	has(t, out, "Answer y or n.", "Nothing was touched.", "Keep the answers in mcpwiz.yaml?", "The answers are in")
	if strings.Contains(w.done(), "apply") {
		t.Errorf("did\n%s", w.done())
	}
}

func TestApplyingGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fails = 1
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", asked)+"y\n\ny\n"+strings.Repeat("\n", 5))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, out, "2 of 2: keycloak/client/claude was refused", "Wrong: context deadline", "go on where it stopped?", "Plan", "Apply it?", "keycloak/client/claude made")
}

// A Keycloak that is away for a moment costs no answers.
func TestLookingAgainKeepsTheAnswers(t *testing.T) {
	t.Parallel()
	for again, tries := range map[string]int{"": 3, "n": 1} {
		w := newWorld()
		w.unseen = 2
		out, err := plainly(t, w, Options{Start: filled(), DryRun: true}, strings.Repeat("\n", asked)+strings.Repeat(again+"\n", 2))
		has(t, out, "looking at Keycloak at http://127.0.0.1:8180 ...", "Wrong: context deadline exceeded", "Look again?")
		if tries == 1 != (err != nil) || strings.Count(w.done(), "plan") != tries {
			t.Errorf("%q: %v\n%s", again, err, w.done())
		}
	}
}

func TestAStoppedPlanEndsTheWalk(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.planned.Changes[0] = plan.Change{Resource: "keycloak/realm/mcp", Action: plan.Refuse, Stop: "it is somebody's", Propose: "take another"}
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", 30))
	if !errors.Is(err, plan.ErrStopped) {
		t.Error(err)
	}
	has(t, out, "! keycloak/realm/mcp", "take another")
}

func TestAWarningCanBeTurnedDown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.server = func(_ context.Context, url string) Verdict {
		return Verdict{Warn: strings.Contains(url, "old"), OK: true, Note: "of \x1b[2J" + url}
	}
	out, err := plainly(t, w, Options{DryRun: true, Start: filled()}, "\nhttps://old.example/mcp\n\nn\nhttps://new.example/mcp\n"+strings.Repeat("\n", asked))
	if err != nil {
		t.Fatal(err)
	}
	has(t, out, "Warning: of", "Go on with it? [Y/n]", "Good: of", "https://new.example/mcp")
	if strings.Contains(out, "\x1b") {
		t.Error("an escape of the network reaches the terminal")
	}
}

// The real client is told of while the wizard waits; an interrupt ends it.
func TestTheClientIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	in, typed := io.Pipe()
	defer typed.Close()
	read, out := io.Pipe()
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		err := Accessible(ctx, in, out, Options{Desk: w.desk(), Path: "mcpwiz.yaml", Start: filled()})
		out.Close()
		ended <- err
	}()
	go func() { _, _ = io.WriteString(typed, strings.Repeat("\n", asked)+"y\n"+strings.Repeat("\n", 4)) }()
	w.events <- probe.Started{Handshake: "ours"}
	w.events <- probe.Started{Handshake: "h2", At: time.Now().Add(time.Hour)}
	w.carrier <- tui.Carrier{Outcome: probe.Failed, Text: "the tunnel carries nothing", Mend: "open port 7844"}
	close(w.carrier)
	var all strings.Builder
	for buf := make([]byte, 512); ; {
		n, err := read.Read(buf)
		all.Write(buf[:n])
		if strings.Contains(all.String(), "started h2") && strings.Contains(all.String(), "the tunnel carries nothing: open port 7844") {
			cancel()
		}
		if err != nil {
			break
		}
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	has(t, all.String(), "Waiting for the client", "started h2")
	if strings.Contains(all.String(), "started ours") {
		t.Error("a handshake of ours is taken for the client")
	}
}
