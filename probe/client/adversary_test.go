package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// A part is an exchange of a good handshake, by what is asked, and the stages in which a break of it may be found.
type part struct {
	name       string
	stages     []probe.Stage
	path       string
	rpc, grant string
	bears      bool
}

var parts = []part{
	{name: "challenge", stages: []probe.Stage{probe.StageChallenge}, path: "/mcp", rpc: "initialize"},
	{name: "resource metadata", stages: []probe.Stage{probe.StageResourceMetadata}, path: "/.well-known/oauth-protected-resource"},
	{name: "server metadata", stages: []probe.Stage{probe.StageServerMetadata}, path: "/.well-known/oauth-authorization-server"},
	{name: "keys", stages: []probe.Stage{probe.StageServerMetadata, probe.StageToken}, path: "/realms/test/certs"},
	{name: "registration", stages: []probe.Stage{probe.StageRegistration}, path: "/realms/test/register"},
	{name: "authorization", stages: []probe.Stage{probe.StageAuthorization}, path: "/realms/test/auth"},
	{name: "token", stages: []probe.Stage{probe.StageToken}, path: "/realms/test/token", grant: "authorization_code"},
	{name: "initialize", stages: []probe.Stage{probe.StageInitialize}, path: "/mcp", rpc: "initialize", bears: true},
	{name: "initialized", stages: []probe.Stage{probe.StageInitialize}, path: "/mcp", rpc: "notifications/initialized", bears: true},
	{name: "tools", stages: []probe.Stage{probe.StageTools}, path: "/mcp", rpc: "tools/list", bears: true},
	{name: "call", stages: []probe.Stage{probe.StageTools}, path: "/mcp", rpc: "tools/call", bears: true},
	{name: "refresh", stages: []probe.Stage{probe.StageSession, probe.StageToken}, path: "/realms/test/token", grant: "refresh_token"},
}

func (p part) is(path, rpc, grant, authorization string) bool {
	if path != p.path && !(strings.HasPrefix(p.path, "/.well-known/") && strings.HasPrefix(path, p.path)) {
		return false
	}
	return rpc == p.rpc && grant == p.grant && strings.HasPrefix(authorization, "Bearer ") == p.bears
}

func (p part) asked(r *http.Request, body string) bool {
	var message struct{ Method string }
	_ = json.Unmarshal([]byte(body), &message) // a form has none
	form, _ := url.ParseQuery(body)
	return r.Method != http.MethodDelete && p.is(r.URL.Path, message.Method, form.Get("grant_type"), r.Header.Get("Authorization"))
}

func (p part) seen(x *probe.Exchange) bool {
	return x.Probe == "" && p.is(x.URL().Path, x.Request.Body.Method(), x.Request.Body.Form.Get("grant_type"), x.Request.Header.Get("Authorization"))
}

// breaks lays a breach over each answer of the part.
func (p part) breaks(b breach) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, r := bodyOf(r)
			if !p.asked(r, body) {
				next.ServeHTTP(rw, r)
				return
			}
			b.send(rw, record(next, r))
		})
	}
}

// adversarial are options of a user who registers, without the probes: a run is short.
func (w *world) adversarial() client.Options {
	return w.options(func(o *client.Options) {
		o.ClientID, o.ClientSecret, o.Register, o.Probes = "", "", true, false
		o.Profile.Protocol.GetStream = false
		o.Profile.Protocol.Open = o.Profile.Protocol.Open[1:]
	})
}

// goodAnswers are those of a handshake in which nothing is broken, by the name of the part.
func goodAnswers(t *testing.T) map[string]served {
	t.Helper()
	var mu sync.Mutex
	all := map[string]served{}
	w := newWorld(t)
	w.over = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, r := bodyOf(r)
			a := record(next, r)
			mu.Lock()
			for _, p := range parts {
				if _, known := all[p.name]; !known && p.asked(r, body) {
					all[p.name] = a
				}
			}
			mu.Unlock()
			a.write(rw)
		})
	}
	r := emulate(t, w.adversarial())
	if r.summary.Status != probe.Healthy || !completed(r) || len(all) != len(parts) {
		t.Fatalf("what nobody breaks is %s, %d of %d parts were seen\n%s", r.summary.Status, len(all), len(parts), wrongs(r))
	}
	return all
}

// completed reports whether a client gets through: a tool is called, the token renewed and the list asked for again, but
// for what there is nothing to call or to renew with.
func completed(r *run) bool {
	result := func(x *probe.Exchange) bool {
		_, ok := x.Answer().Message()["result"].(map[string]any)
		return ok && x.Status() == 200
	}
	if !slices.ContainsFunc(r.trace.Of(probe.ToolCall), result) && r.excused(probe.ToolCall) == "" {
		return false
	}
	again, after := r.trace.Last(probe.ToolsList), 0
	if refresh := r.trace.Last(probe.Refresh); refresh != nil {
		after = refresh.N
	} else if r.excused(probe.Refresh) == "" {
		return false
	}
	return again != nil && again.N > after && result(again)
}

// An adversary breaks each answer of a good handshake in every way there is: in some of them here, in all where
// MCPWIZ_TEST_ADVERSARY is set (make adversary). A handshake that cannot be completed is never
// healthy; what is to be mended first cites the answer that was broken and repeats what came, or is of its stage.
func TestAdversary(t *testing.T) {
	t.Parallel()
	answers := goodAnswers(t)
	every := 6
	switch {
	case os.Getenv("MCPWIZ_TEST_ADVERSARY") != "":
		every = 1
	case testing.Short():
		every = 24
	}
	for _, p := range parts {
		for i, b := range breaches(answers[p.name]) {
			if i%every != 0 {
				continue
			}
			t.Run(p.name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.over = p.breaks(b)
				r := emulate(t, w.adversarial())
				if why := p.misjudged(r, b); why != "" {
					t.Errorf("%s\n%s", why, wrongs(r))
				}
			})
		}
	}
}

// misjudged tells what is wrong with the judgement on a handshake with a breach, "" when it is right.
func (p part) misjudged(r *run, b breach) string {
	switch {
	case completed(r):
		return ""
	case r.summary.Status == probe.Healthy:
		return "it cannot be completed and is called healthy"
	case r.summary.First == nil && r.summary.Status == probe.Incomplete && p.warned(r):
		return ""
	case r.summary.First == nil:
		return "it is " + string(r.summary.Status) + " and nothing is to be mended first"
	}
	f := r.findings()[*r.summary.First]
	stage := slices.Contains(p.stages, f.Stage)
	var broken []*probe.Exchange
	for _, x := range r.trace.Exchanges {
		if p.seen(x) && slices.Contains(f.Exchanges, x.N) {
			broken = append(broken, x)
		}
	}
	switch {
	case b.lie && len(broken) == 0:
		return ""
	case len(broken) == 0 && !stage:
		return fmt.Sprintf("first is %s, which is of another stage and does not cite what was broken: %s", f.Check, f.Detail)
	case len(broken) == 0:
		return fmt.Sprintf("first is %s, which does not cite what was broken: %s", f.Check, f.Detail)
	case !slices.ContainsFunc(broken, func(x *probe.Exchange) bool { return repeats(f.Detail, x, b) }):
		return fmt.Sprintf("first is %s, which does not repeat what came: %s", f.Check, f.Detail)
	}
	return ""
}

// warned reports whether a finding of the stage cites what was broken: a user can do without some things.
func (p part) warned(r *run) bool {
	for _, f := range r.findings() {
		if f.Outcome == probe.Warned && slices.Contains(p.stages, f.Stage) &&
			slices.ContainsFunc(r.trace.Exchanges, func(x *probe.Exchange) bool { return p.seen(x) && slices.Contains(f.Exchanges, x.N) }) {
			return true
		}
	}
	return false
}

// repeats reports whether a detail tells what came: its status, its error, the words of the adversary, or what is wrong with
// the body or the member.
func repeats(detail string, x *probe.Exchange, b breach) bool {
	words := []string{"kelp", "the answer is ", fmt.Sprint(x.Status()), x.Answer().Problem, b.says}
	if x.Error != nil {
		words = append(words, x.Error.Kind)
	}
	return slices.ContainsFunc(words, func(word string) bool { return word != "" && word != "0" && strings.Contains(detail, word) })
}
