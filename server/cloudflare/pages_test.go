package cloudflare

import (
	"encoding/json"
	"testing"
)

func TestPageRulesAreThoseAtOurPaths(t *testing.T) {
	t.Parallel()
	const redirect = `"actions":[{"id":"forwarding_url","value":{"url":"https://www.example.com/$1","status_code":301}}]`
	for text, want := range map[string]string{
		`{"id":"1","status":"active","targets":[{"target":"url","constraint":{"operator":"matches","value":"*example.com/*"}}],` + redirect + `}`:            "redirect-rule: 301 to https://www.example.com/$1",
		`{"id":"1","status":"active","targets":[{"target":"url","constraint":{"operator":"matches","value":"http://mcp.example.com/m*"}}],` + redirect + `}`: "redirect-rule: 301 to https://www.example.com/$1",
		`{"id":"1","status":"disabled","targets":[{"target":"url","constraint":{"operator":"matches","value":"*example.com/*"}}],` + redirect + `}`:          "",
		`{"id":"1","status":"active","targets":[{"target":"url","constraint":{"operator":"matches","value":"www.example.com/*"}}],` + redirect + `}`:         "",
		`{"id":"1","status":"active","targets":[{"target":"url","constraint":{"operator":"matches","value":"mcp.example.com/*"}}],
			"actions":[{"id":"cache_level","value":"cache_everything"}]}`: "cache-rule: caches everything",
		`{"id":"1","status":"active","targets":[{"target":"url","constraint":{"operator":"matches","value":"mcp.example.com/*"}}],
			"actions":[{"id":"cache_level","value":"bypass"},{"id":"ssl","value":"strict"}]}`: "",
	} {
		var r pageRule
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		told := ""
		view{standing: &standing{pageRules: []pageRule{r}}, surface: surface{host: claude.host}, visits: []visit{claude}, note: func(data map[string]any) {
			if data["applies"] == true {
				told = data["product"].(string) + ": " + data["state"].(string)
			}
		}}.tellPageRules()
		if told != want {
			t.Errorf("%s: told %q, want %q", text, told, want)
		}
	}
}
