package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/page_rules"
)

// A pageRule is one of the older kind: an address with wildcards, and what is done there.
type pageRule struct {
	ID      string       `json:"id"`
	Status  string       `json:"status"`
	Targets []pageTarget `json:"targets"`
	Actions []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	} `json:"actions"`
}

type pageTarget struct {
	Constraint struct {
		Value string `json:"value"`
	} `json:"constraint"`
}

// pageRules are those of a zone; none where the API knows them no more.
func (a *API) pageRules(ctx context.Context, zone string) ([]pageRule, error) {
	var e struct{ Result []pageRule }
	var p page_rules.PageRuleListParams
	p.ZoneID.Value = zone
	_, err := page_rules.NewPageRuleService(a.options()...).List(ctx, p, option.WithResponseBodyInto(&e))
	if statusOf(err) == http.StatusNotFound {
		return nil, nil
	}
	return e.Result, a.failed("list the page rules", permPages+levelRead, err)
}

// at reports whether the rule is for a visit: its address has no scheme or any, and * stands for whatever there is.
func (r pageRule) at(v visit) judged {
	for _, t := range r.Targets {
		address := t.Constraint.Value
		if _, rest, ok := strings.Cut(address, "://"); ok {
			address = rest
		}
		if matches(v.host+v.path, "(?is)^"+wild(address)+"$") == true {
			return judged{truth: yes}
		}
	}
	return judged{truth: no}
}

// does tells what a rule does that matters here, as the product that does the same by newer rules.
func (r pageRule) does() (product, state string) {
	for _, a := range r.Actions {
		var to struct {
			URL    string `json:"url"`
			Status int    `json:"status_code"`
		}
		var word string
		switch a.ID {
		case "forwarding_url":
			if json.Unmarshal(a.Value, &to) == nil {
				return "redirect-rule", fmt.Sprintf("%d to %s", to.Status, to.URL)
			}
		case "cache_level":
			if json.Unmarshal(a.Value, &word) == nil && word == "cache_everything" {
				return "cache-rule", "caches everything"
			}
		}
	}
	return "", ""
}

func (v view) tellPageRules() {
	if !v.may(partPages) { // what newer rules do is told of them
		return
	}
	for _, r := range v.pageRules {
		product, state := r.does()
		t := count(v.visits, r.at)
		if r.Status != "active" || product == "" || t.none() {
			continue
		}
		name := "page rule"
		if i := slices.IndexFunc(r.Targets, func(t pageTarget) bool { return strings.Contains(t.Constraint.Value, v.host) }); i >= 0 {
			name += " " + r.Targets[i].Constraint.Value
		}
		data := map[string]any{"product": product, "name": name, "rule": r.ID, "state": state}
		t.dataOf(data, v.visits)
		v.note(data)
	}
}
