package main

import (
	"strings"
	"testing"
)

// The operator's own story: metadata without authorization_endpoint, because the client was thought to be a machine. Claude
// takes them for invalid and sends the browser to the MCP server; as a machine nothing is wrong.
func TestOperatorsStory(t *testing.T) {
	t.Parallel()
	r := newRig(t, known(t, "no-authorization-endpoint"))
	url := r.connection.Servers[0].URL
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"a stranger", []string{"doctor", url}, exitFailed,
			[]string{"First to mend: server-metadata.authorization-endpoint (authorization-server).", "mend ", "client_credentials", "/authorize"}},
		{"as a machine", []string{"doctor", url, "--as", "m2m"}, 0, []string{"Healthy."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, t.TempDir(), nil, c.args...)
			if code := got.ends(t); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(got.out.String(), want) {
					t.Errorf("%q is not told", want)
				}
			}
			if t.Failed() {
				t.Logf("%s\n%s", &got.out, &got.err)
			}
		})
	}
}
