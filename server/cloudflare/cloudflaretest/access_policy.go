package cloudflaretest

import (
	"net/http"
	"slices"
)

var decisions = []string{"allow", "deny", "non_identity", "bypass"}

// fillPolicies gives policies that are written out in an application their ids.
func (c *call) fillPolicies(v any) ([]any, *answer) {
	out := []any{}
	for _, p := range asList(v) {
		m, isObject := p.(map[string]any)
		if !isObject || text(m, "decision") == "" {
			id, _ := p.(string)
			if isObject {
				id = text(m, "id")
			}
			if c.reusable(id) == nil {
				return nil, ptr(noPolicy())
			}
			out = append(out, id)
			continue
		}
		d, refusal := c.makePolicy(text(m, "id"), m)
		if refusal != nil {
			return nil, refusal
		}
		out = append(out, d.fields)
	}
	return out, nil
}

func (c *call) makePolicy(id string, b map[string]any) (*document, *answer) {
	switch {
	case !slices.Contains(decisions, text(b, "decision")):
		return nil, ptr(invalidAccess("decision is missing or invalid"))
	case text(b, "name") == "":
		return nil, ptr(invalidAccess("name is missing or invalid"))
	case len(asList(b["include"])) == 0:
		return nil, ptr(invalidAccess("include rules are required"))
	}
	if id == "" {
		id = c.uuid()
	}
	f := changed(b, map[string]any{"id": id, "uid": id, "created_at": at6(c.now), "updated_at": at6(c.now)})
	for _, name := range []string{"exclude", "require"} {
		if _, ok := f[name]; !ok {
			f[name] = []any{}
		}
	}
	return &document{id: id, fields: f}, nil
}

func (c *call) app() *document { return find(*c.accessScope().apps, c.at["app"]) }

func listAppPolicies(c *call) answer {
	d := c.app()
	if d == nil {
		return noApp()
	}
	return paged(c, list(c.shownApp(d), "policies"), 25, 1000)
}

func createAppPolicy(c *call) answer {
	d := c.app()
	if d == nil {
		return noApp()
	}
	p, refusal := c.makePolicy("", c.object())
	if refusal != nil {
		return *refusal
	}
	d.fields["policies"] = append(slices.Clone(asList(d.fields["policies"])), p.fields)
	return answer{status: http.StatusCreated, body: found(copied(p.fields)).body}
}

// onAppPolicy answers a call about one policy of an application, given its place in the list.
func onAppPolicy(serve func(c *call, app *document, at int) answer) func(*call) answer {
	return func(c *call) answer {
		d := c.app()
		if d == nil {
			return noApp()
		}
		for i, p := range asList(d.fields["policies"]) {
			if m, ok := p.(map[string]any); ok && text(m, "id") == c.at["policy"] || p == c.at["policy"] {
				return serve(c, d, i)
			}
		}
		return noPolicy()
	}
}

func getAppPolicy(c *call, app *document, at int) answer {
	return found(list(c.shownApp(app), "policies")[at])
}

func putAppPolicy(c *call, app *document, at int) answer {
	p, refusal := c.makePolicy(c.at["policy"], c.object())
	if refusal != nil {
		return *refusal
	}
	all := slices.Clone(asList(app.fields["policies"]))
	all[at] = p.fields
	app.fields["policies"] = all
	return found(copied(p.fields))
}

func deleteAppPolicy(c *call, app *document, at int) answer {
	app.fields["policies"] = slices.Delete(slices.Clone(asList(app.fields["policies"])), at, at+1)
	return answer{status: http.StatusAccepted, body: found(map[string]any{"id": c.at["policy"]}).body}
}

func listPolicies(c *call) answer { return paged(c, shown(c.account.policies), 25, 1000) }

func createPolicy(c *call) answer {
	p, refusal := c.makePolicy("", c.object())
	if refusal != nil {
		return *refusal
	}
	p.fields["reusable"] = true
	c.account.policies = append(c.account.policies, p)
	return answer{status: http.StatusCreated, body: found(copied(p.fields)).body}
}

func getPolicy(c *call) answer {
	if d := find(c.account.policies, c.at["policy"]); d != nil {
		return found(copied(d.fields))
	}
	return noPolicy()
}

func putPolicy(c *call) answer {
	i := slices.IndexFunc(c.account.policies, func(d *document) bool { return d.id == c.at["policy"] })
	if i < 0 {
		return noPolicy()
	}
	p, refusal := c.makePolicy(c.at["policy"], c.object())
	if refusal != nil {
		return *refusal
	}
	p.fields["reusable"], p.fields["created_at"] = true, c.account.policies[i].fields["created_at"]
	c.account.policies[i] = p
	return found(copied(p.fields))
}

func deletePolicy(c *call) answer {
	if find(c.account.policies, c.at["policy"]) == nil {
		return noPolicy()
	}
	c.account.policies = without(c.account.policies, c.at["policy"])
	return answer{status: http.StatusAccepted, body: found(map[string]any{"id": c.at["policy"]}).body}
}
