package probe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseChallenges(t *testing.T) {
	t.Parallel()
	type want struct {
		scheme  string
		params  map[string]string
		token68 string
	}
	for name, tc := range map[string]struct {
		field string
		want  []want
		err   string
	}{
		"bearer with parameters": {
			field: `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:tools a"`,
			want:  []want{{"Bearer", map[string]string{"resource_metadata": "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", "scope": "mcp:tools a"}, ""}},
		},
		"two schemes in one field": {
			field: `Basic realm="x", Bearer error=invalid_token`,
			want:  []want{{"Basic", map[string]string{"realm": "x"}, ""}, {"Bearer", map[string]string{"error": "invalid_token"}, ""}},
		},
		"a scheme alone": {field: `Bearer`, want: []want{{"Bearer", map[string]string{}, ""}}},
		"scheme alone, then another": {
			field: `Negotiate, Bearer scope="s"`,
			want:  []want{{"Negotiate", map[string]string{}, ""}, {"Bearer", map[string]string{"scope": "s"}, ""}},
		},
		"token68": {
			field: `Negotiate YII9Aa==, Bearer scope="s"`,
			want:  []want{{"Negotiate", map[string]string{}, "YII9Aa=="}, {"Bearer", map[string]string{"scope": "s"}, ""}},
		},
		"escapes and white space": {
			field: `Bearer  realm = "a \"b\", c" , scope = x`,
			want:  []want{{"Bearer", map[string]string{"realm": `a "b", c`, "scope": "x"}, ""}},
		},
		"names fold, the first of a repeated one counts": {
			field: `bearer Scope="a", SCOPE="b"`,
			want:  []want{{"bearer", map[string]string{"scope": "a"}, ""}},
		},
		"empty list members":     {field: `, ,Bearer scope=s,`, want: []want{{"Bearer", map[string]string{"scope": "s"}, ""}}},
		"no scheme":              {field: `resource_metadata="https://x"`, err: "before any scheme"},
		"unquoted url":           {field: `Bearer resource_metadata=https://x/y`, want: []want{{"Bearer", map[string]string{"resource_metadata": "https"}, ""}}, err: "no comma"},
		"quoted string unending": {field: `Bearer scope="s`, want: []want{{"Bearer", map[string]string{}, ""}}, err: "does not end"},
		"empty":                  {field: ``, err: "empty"},
		"value missing":          {field: `Bearer realm="r", scope=`, want: []want{{"Bearer", map[string]string{"realm": "r"}, ""}}, err: "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := ParseChallenges(tc.field)
			var got []want
			for _, c := range all {
				got = append(got, want{c.Scheme, c.Params, c.Token68})
			}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); d != "" {
				t.Errorf("challenges (-want +got):\n%s", d)
			}
			switch {
			case tc.err == "" && err != nil:
				t.Errorf("unexpected error: %v", err)
			case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
				t.Errorf("error = %v, want one that says %q", err, tc.err)
			}
		})
	}
}

func FuzzWWWAuthenticate(f *testing.F) {
	for _, s := range []string{`Bearer a="b", c=d`, `Basic x==`, `Negotiate, Bearer scope="\""`, "Bearer \x00", `,,,`, `a=b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		all, err := ParseChallenges(field)
		if err == nil && len(all) == 0 {
			t.Errorf("no challenge and no error for %q", field)
		}
		for _, c := range all {
			if c.Scheme == "" {
				t.Errorf("a challenge without a scheme for %q", field)
			}
			if v, ok := c.Params["scope"]; ok && v != c.Scope {
				t.Errorf("scope %q is told as %q", v, c.Scope)
			}
		}
	})
}
