package probe

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWellKnownURLs(t *testing.T) {
	t.Parallel()
	for of, want := range map[string]map[string]string{
		"https://a.example/realms/r": {
			"oauth":         "https://a.example/.well-known/oauth-authorization-server/realms/r",
			"oidc-inserted": "https://a.example/.well-known/openid-configuration/realms/r",
			"oidc-appended": "https://a.example/realms/r/.well-known/openid-configuration",
		},
		"https://a.example/": {
			"oauth":         "https://a.example/.well-known/oauth-authorization-server",
			"oidc-inserted": "https://a.example/.well-known/openid-configuration",
			"oidc-appended": "https://a.example/.well-known/openid-configuration",
		},
		"no URL": nil, "": nil, "/path": nil, "//a.example/x": nil,
	} {
		if d := cmp.Diff(want, ServerMetadataURLs(of)); d != "" {
			t.Errorf("%q (-want +got):\n%s", of, d)
		}
	}
	want := map[string]string{"path": "https://a.example:8443/.well-known/oauth-protected-resource/a%2Fb", "root": "https://a.example:8443/.well-known/oauth-protected-resource"}
	if d := cmp.Diff(want, ResourceMetadataURLs("https://a.example:8443/a%2Fb/")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDocumentTellsAbsentFromWrong(t *testing.T) {
	t.Parallel()
	d := &Document{Members: map[string]any{"s": "x", "l": []any{"a", "b"}, "mixed": []any{"a", 1}, "n": nil, "t": true, "text": "true", "e": []any{}}}
	for name, want := range map[string]struct {
		text      string
		list      []string
		yes, here bool
	}{
		"s": {"x", []string{"x"}, false, true}, "l": {"", []string{"a", "b"}, false, true}, "mixed": {"", nil, false, true},
		"n": {}, "absent": {}, "t": {"", nil, true, true}, "text": {"true", []string{"true"}, false, true}, "e": {"", nil, false, true},
	} {
		if d.String(name) != want.text || !slices.Equal(d.Strings(name), want.list) || d.True(name) != want.yes || d.Has(name) != want.here {
			t.Errorf("%s: %q %q %v %v", name, d.String(name), d.Strings(name), d.True(name), d.Has(name))
		}
	}
	var none *Document
	if none.String("s") != "" || none.Strings("s") != nil || none.True("s") || none.Has("s") {
		t.Error("no document has members")
	}
}

// Metadata are whatever a server says: from the bytes on the wire to the document that a client would use nothing breaks,
// and what is used has what the client requires.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://a.example/realms/r"],"scopes_supported":[""]}`),
		[]byte(`{"issuer":"https://a.example/realms/r","authorization_endpoint":"https://a.example/auth","token_endpoint":"https://a.example/token","code_challenge_methods_supported":["S256"]}`))
	f.Add([]byte(`{"resource":[],"authorization_servers":"https://[::1"}`), []byte(`{"issuer":{},"token_endpoint":null,"authorization_endpoint":["",1]}`))
	f.Add([]byte("\xef\xbb\xbf{}"), []byte(`<html>`))
	f.Add([]byte(`[{"resource":1e999}]`), []byte(`{"issuer":"a","issuer":"b","client_id_metadata_document_supported":"true"}`))
	f.Fuzz(func(t *testing.T, resource, server []byte) {
		tap := &Tap{}
		trace := &Trace{Target: target, Profile: &Profile{}}
		for i, d := range []struct {
			url  string
			body []byte
		}{
			{"https://mcp.example.com/.well-known/oauth-protected-resource/mcp", resource},
			{"https://a.example/.well-known/oauth-authorization-server/realms/r", server},
		} {
			x := tap.redact(&raw{method: "GET", url: d.url, answered: true, status: 200, header: map[string][]string{},
				reply:  map[string][]string{"Content-Type": {"application/json"}},
				answer: rawBody{data: d.body, size: int64(len(d.body)), whole: true}})
			x.ID = int64(i + 1)
			trace.add(x)
		}
		all := append(trace.Documents(ResourceMetadata), trace.Documents(ServerMetadata)...)
		for _, d := range append(all, trace.ResourceMetadata(), trace.ServerMetadata(), nil) {
			readable(t, d)
		}
		if d := trace.ServerMetadata(); d != nil {
			for _, name := range trace.RequiredMembers() {
				if all := d.Strings(name); len(all) == 0 || all[0] == "" {
					t.Errorf("metadata without %s are used: %v", name, d.Members)
				}
			}
		}
		if d := trace.ResourceMetadata(); d != nil && (!d.Says("resource") || !d.Says("authorization_servers")) {
			t.Errorf("resource metadata that name no resource or no server are used: %v", d.Members)
		}
	})
}

// readable holds what a document says to be the same in every way of asking, and its URLs to lead to one host.
func readable(t *testing.T, d *Document) {
	t.Helper()
	for _, name := range []string{"resource", "authorization_servers", "issuer", "authorization_endpoint", "token_endpoint", "scopes_supported"} {
		text, list := d.String(name), d.Strings(name)
		if text != "" && !slices.Equal(list, []string{text}) || (len(list) > 0 || d.True(name)) && !d.Has(name) {
			t.Errorf("%s: %q and %q", name, text, list)
		}
		for _, s := range list {
			for form, known := range ServerMetadataURLs(s) {
				sameHost(t, form, s, known)
			}
			for form, known := range ResourceMetadataURLs(s) {
				sameHost(t, form, s, known)
			}
		}
	}
}

func sameHost(t *testing.T, form, of, known string) {
	t.Helper()
	a, err := url.Parse(of)
	if err != nil {
		t.Fatalf("%q has well-known URLs: %v", of, err)
	}
	b, err := url.Parse(known)
	if err != nil || a.Host != b.Host || !strings.Contains(b.Path, "/.well-known/") {
		t.Errorf("%s of %q is %q: %v", form, of, known, err)
	}
}
