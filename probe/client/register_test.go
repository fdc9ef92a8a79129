package client_test

import (
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// Whoever consents to a registration alone learns whether the client is let in and may ask for its login, and nothing stays.
func TestRegisterAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := emulate(t, w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.SignIn, o.Register = "", "", nil, true }))
	for _, ev := range []probe.Evidence{probe.Registration, probe.Authorization, probe.OfProbe("bad-redirect"), probe.OfProbe("no-pkce")} {
		if !r.trace.Has(ev) {
			t.Errorf("%s was not seen", ev)
		}
	}
	if r.summary.Status != probe.Healthy || len(r.emulator.Left()) > 0 || len(w.server.clients) != 2 {
		t.Errorf("%s, left %q, %d clients", r.summary.Status, r.emulator.Left(), len(w.server.clients))
	}
	if got := r.excused(probe.TokenRequest); !strings.Contains(got, "--login") {
		t.Errorf("the token is excused with %q", got)
	}
	if body := w.asked("POST", "/realms/test/register")[0].body; !strings.Contains(body, "https://claude.example/callback") {
		t.Errorf("registered %s", body)
	}
}
