package report

import (
	"bytes"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// client is a report in few words.
func client(id, grant string, status probe.Status, found []probe.Finding, seen ...probe.Exchange) *Report {
	r := &Report{
		Target: "https://mcp.example.com/mcp", Profile: &probe.Profile{ID: id, Grant: grant, Date: "2026-10-30"}, Findings: found,
		Summary: probe.Summary{Status: status}, Exchanges: seen,
	}
	for _, f := range found {
		if f.Outcome == probe.Warned {
			r.Summary.Counts.Warn++
		}
	}
	return r
}

func posted(n int, method, probed string) probe.Exchange {
	x := rpc(int64(n), method, 200, "")
	x.N, x.Probe = n, probed
	return x
}

var (
	noEndpoint = probe.Finding{
		Check: "server-metadata.authorization-endpoint", Stage: probe.StageServerMetadata, Outcome: probe.Failed,
		Title: "metadata name an authorization endpoint", Detail: "https://mcp.example.com/.well-known/oauth-authorization-server: no authorization_endpoint",
		Effect: "clients that sign users in reject the document", Owner: probe.OwnerOrigin, Remedy: "put authorization_endpoint back", Exchanges: []int{1},
	}
	garbage = probe.Finding{
		Check: "initialize.garbage-token-refused", Stage: probe.StageInitialize, Outcome: probe.Failed, Title: "a token of nonsense is refused",
		Detail: "200", Effect: "anybody gets in", Owner: probe.OwnerOrigin, Remedy: "verify tokens", Exchanges: []int{7},
	}
	short     = probe.Finding{Check: "token.lifetime", Stage: probe.StageToken, Outcome: probe.Warned, Title: "lives long enough", Detail: "60 s", Exchanges: []int{1}}
	noRefresh = probe.Finding{
		Check: "session.refresh-works", Stage: probe.StageSession, Outcome: probe.Failed, Title: "the token can be renewed", Detail: "400 invalid_grant",
		Effect: "it asks to sign in again", Owner: probe.OwnerAuthorizationServer, Remedy: "mend it", Exchanges: []int{1},
	}
)

func several() []*Report {
	list := posted(2, "tools/list", "")
	return []*Report{
		client("any", "authorization_code", probe.Unhealthy, []probe.Finding{noEndpoint, garbage}, posted(1, "initialize", ""), posted(7, "initialize", "garbage-token")),
		client("claude-ai", "authorization_code", probe.Unhealthy, []probe.Finding{noEndpoint}, posted(1, "initialize", "")),
		client("m2m", "client_credentials", probe.Healthy, []probe.Finding{short}, posted(1, "initialize", ""), list),
		client("typescript-sdk", "authorization_code", probe.Healthy, nil, posted(1, "initialize", "")),
		client("robot", "client_credentials", probe.Healthy, nil, posted(1, "initialize", "")),
		client("vscode", "authorization_code", probe.Unhealthy, []probe.Finding{noRefresh}, posted(1, "initialize", ""), list),
		client("codex", "authorization_code", probe.Incomplete, nil, posted(1, "initialize", "")),
		client("mcpc", "authorization_code", probe.Unhealthy, []probe.Finding{garbage}, posted(7, "initialize", "garbage-token"), list),
	}
}

func TestCompared(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]TextOptions{
		"compared-80":    {Width: 80},
		"compared-40":    {Width: 40},
		"compared-ascii": {ASCII: true},
		"compared-color": {Width: 80, Color: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Checks = shelf
			var b bytes.Buffer
			if err := WriteCompared(&b, several(), o); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", b.Bytes())
		})
	}
}

func TestWhoConnects(t *testing.T) {
	t.Parallel()
	want := map[string]connects{
		"any": connectsNo, "claude-ai": connectsNo, "m2m": connectsYes, "typescript-sdk": connectsOpen, "robot": connectsOpen,
		"vscode": connectsYes, "codex": connectsOpen, "mcpc": connectsYes,
	}
	for _, r := range several() {
		if c := compare(r); c.connects != want[r.Profile.ID] {
			t.Errorf("%s: %s (%s), want %s", r.Profile.ID, c.connects, c.why, want[r.Profile.ID])
		}
	}
}
