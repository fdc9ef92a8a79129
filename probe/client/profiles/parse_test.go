package profiles

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

// file returns the text of a profile, each pair of which replaces the first for the second.
func file(t *testing.T, id string, pairs ...string) string {
	t.Helper()
	data, err := files.ReadFile(id + ".json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s has no %s", id, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id    string
		pairs []string
		want  string
	}{
		"unknown member":         {"any", []string{`"hosted"`, `"hostedd": true, "hosted"`}, `unknown member "hostedd": known here are authorization, date,`},
		"unknown inner member":   {"any", []string{`"fallback"`, `"fall_back": 1, "fallback"`}, `unknown member "discovery.fall_back"`},
		"other spelling":         {"any", []string{`"hosted"`, `"Hosted"`}, `unknown member "Hosted"`},
		"unknown member of fact": {"any", []string{`"grade"`, `"level": "x", "grade"`}, `unknown member "facts.hosted.level"`},
		"unknown in a list":      {"any", []string{`"method": "server`, `"verb": "", "method": "server`}, `unknown member "protocol.open[0].verb"`},
		"twice":                  {"any", []string{`"hosted"`, `"hosted": true, "hosted"`}, `member "hosted" is there twice`},
		"twice in a free body":   {"any", []string{`"client_name"`, `"client_name": "a", "client_name"`}, `member "registration.body.client_name" is there twice`},
		"null":                   {"any", []string{`"hosted": false`, `"hosted": null`}, `hosted is null`},
		"wrong type":             {"any", []string{`"hosted": false`, `"hosted": "no"`}, `hosted of type bool`},
		"something follows":      {"any", []string{"\n}\n", "\n}\n{}"}, `after top-level value`},
		"id":                     {"any", []string{`"id": "any"`, `"id": "Any one"`}, `id: "Any one" is not of lower-case`},
		"title":                  {"any", []string{`"A careful client (as the specification asks)"`, `" "`}, `title: is missing`},
		"grant":                  {"any", []string{`"authorization_code",`, `"password",`}, `grant: "password" is none of`},
		"wrong era":              {"any", []string{`"version": "2026-07-28"}`, `"version": "2025-11-25"}`}, `protocol.open[0]: server/discover does not belong to revision 2025-11-25`},
		"no revision":            {"any", []string{`"version": "2026-07-28"}`, `"version": "new"}`}, `protocol.open[0].version: "new" is no protocol revision`},
		"enumeration":            {"any", []string{`"header", "path"`, `"header", "paths"`}, `discovery.resource_metadata[1]: "paths" is none of header, path, root`},
		"word twice":             {"any", []string{`"header", "path"`, `"header", "header"`}, `discovery.resource_metadata[1]: "header" is there twice`},
		"empty ladder":           {"any", []string{`"scopes": ["challenge", "resource-metadata", "none"]`, `"scopes": []`}, `authorization.scopes: is empty`},
		"filled in":              {"any", []string{`"client_name"`, `"scope": "a", "client_name"`}, `registration.body.scope: is filled in`},
		"cimd without document":  {"any", []string{`"preregistered", "dcr"`, `"preregistered", "cimd", "dcr"`}, `registration.metadata_document: "" is no https URL`},
		"document without cimd":  {"claude-ai", []string{`"cimd", `, ``}, `registration.metadata_document: cimd is not in registration.order`},
		"body without dcr":       {"any", []string{`"preregistered", "dcr"`, `"preregistered"`}, `registration.body: there must be one exactly if dcr`},
		"http redirect":          {"any", []string{`http://127.0.0.1:{port}`, `http://example.com`}, `plain http is for loopback only`},
		"port of a host":         {"any", []string{`http://127.0.0.1:{port}`, `https://example.com:{port}`}, `only a loopback port is free`},
		"relative redirect":      {"any", []string{`http://127.0.0.1:{port}`, ``}, `"/callback" is no absolute URI`},
		"fragment":               {"any", []string{`{port}/callback`, `{port}/callback#x`}, `has a user, a fragment or a wildcard`},
		"hosted on loopback":     {"any", []string{`"hosted": false`, `"hosted": true`}, `a hosted client comes back on https`},
		"short verifier":         {"any", []string{`"verifier_length": 43`, `"verifier_length": 42`}, `authorization.verifier_length: 42 is not 43 to 128 (RFC 7636 4.1)`},
		"negative":               {"any", []string{`"refresh_margin": 0`, `"refresh_margin": -1`}, `token.refresh_margin: -1 is below 0`},
		"redirect of a machine":  {"m2m", []string{`"redirect_uris": []`, `"redirect_uris": ["http://localhost/"]`}, `client_credentials has no redirect`},
		"machine registers":      {"m2m", []string{`["preregistered"]`, `["preregistered", "dcr"], "body": {}`}, `client_credentials is for pre-registered clients`},
		"recognises all":         {"claude-ai", []string{`{"name": "Claude"}`, `{"name": "*"}`}, `recognise[3]: would recognise everybody`},
		"no source":              {"any", []string{`"grant": {"grade"`, `"hosted.x": {"grade"`}, `grant: neither in facts nor in unknown`},
		"fact of nothing":        {"any", []string{`"grant": {"grade"`, `"grand": {"grade"`}, `facts["grand"]: is of no knob`},
		"fact and unknown":       {"any", []string{`"unknown": [`, `"unknown": ["grant", `}, `facts["grant"]: is in unknown too`},
		"unknown of nothing":     {"any", []string{`"unknown": [`, `"unknown": ["limit", `}, `unknown[0]: "limit" is of no knob`},
		"unknown twice":          {"any", []string{`"unknown": [`, `"unknown": ["limits", `}, `"limits" is there twice`},
		"grade":                  {"any", []string{`"documented"`, `"believed"`}, `grade "believed" is none of observed, documented`},
		"day":                    {"any", []string{`"seen": "2026-11-23"`, `"seen": "2026-11-31"`}, `seen "2026-11-31" is no date`},
		"stale date":             {"any", []string{`"date": "2026-11-23"`, `"date": "2026-11-22"`}, `date: "2026-11-22" must be the day of the newest fact, "2026-11-23"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("x.json", []byte(file(t, c.id, c.pairs...)))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "profile x.json: ") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNoProfile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "unexpected end of JSON input",
		"null":                         "the profile is null",
		"[]":                           "cannot unmarshal array",
		"{}":                           "grant: \"\" is none of authorization_code, client_credentials",
		"{\"a":                         "unexpected end",
		"true}":                        "after top-level value",
		strings.Repeat(" ", maxFile+1): "larger than 1048576 bytes",
	} {
		if _, err := Parse("x.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %q", text, err, want)
		}
	}
}

// What Parse takes it takes again, and it is the same: a profile travels in every capture.
func FuzzParse(f *testing.F) {
	entries, err := files.ReadDir(".")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"id":"x","facts":{"":{}},"unknown":["",".",".."]}`))
	f.Add([]byte(`{"protocol":{"open":[{}],"capabilities":{"a":[null,{"b":1e999}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("f.json", data)
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		var back probe.Profile
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("cannot be read back: %v", err)
		}
		if d := cmp.Diff(*p, back); d != "" {
			t.Fatal(d)
		}
	})
}
