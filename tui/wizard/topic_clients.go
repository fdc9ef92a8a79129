package wizard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func (w *Walk) clientsTopic() topic {
	return topic{
		name: "clients",
		help: "A client gets its id in one of three ways. Made by mcpwiz, it needs nothing experimental and no open registration. Registering itself, " +
			"it needs registration without a sign-in, that is opened for its own hosts alone, and is refused where this Keycloak has a known hole " +
			"in it. Its metadata document as its id needs a Keycloak started with --features=cimd, for Claude 26.8. The plan shows what is opened. " +
			"--client PROFILE,key=value sets what is asked here and more: redirect_uris, access_token_lifespan, adopt.",
		steps: w.clientSteps,
	}
}

func (w *Walk) clientSteps() []step {
	all := []step{w.whoStep()}
	people := false
	for _, p := range w.chosen() {
		if p.Grant == machineGrant {
			all = append(all, w.machineStep(p))
			continue
		}
		people = true
		if len(ways(p)) > 1 {
			all = append(all, w.wayStep(p))
		}
		if !w.draft.clients[p.ID].registersItself() {
			all = append(all, w.clientStep(p))
		}
	}
	if people && w.draft.realmIs == realmMade {
		all = append(all, w.testerStep())
	}
	return all
}

// chosen are the profiles that were chosen, in the order in which they are offered.
func (w *Walk) chosen() []*probe.Profile {
	return slices.DeleteFunc(offered(w.profiles), func(p *probe.Profile) bool { return !slices.Contains(w.draft.profiles, p.ID) })
}

func (w *Walk) whoStep() step {
	d := w.draft
	q := question{
		name: "clients", title: "Who connects?", about: "space chooses", many: &d.profiles, flag: "--client PROFILE", key: "clients",
		wrong: []string{keyNoClient},
	}
	for _, p := range offered(w.profiles) {
		q.options = append(q.options, option{p.ID, short(p)})
	}
	return step{questions: []question{q}, info: func() string { return w.rehearsal() }}
}

// rehearsal says what a client that connects from its vendor's cloud cannot do on loopback.
func (w *Walk) rehearsal() string {
	u, err := url.Parse(strings.TrimSpace(w.draft.url))
	if err != nil || !probe.Loopback(u.Hostname()) {
		return ""
	}
	for _, p := range w.chosen() {
		if p.Hosted {
			return short(p) + " reaches public https names only: on loopback it is a rehearsal"
		}
	}
	return ""
}

// clientKey is where a client of a profile stands in mcpwiz.yaml.
func (w *Walk) clientKey(p *probe.Profile) string {
	i := slices.IndexFunc(w.draft.answers().Connection.Clients, func(c plan.Client) bool { return c.Profile == p.ID })
	return fmt.Sprintf("clients[%d]", max(i, 0))
}

func (w *Walk) idQuestion(p *probe.Profile) question {
	key := w.clientKey(p)
	return question{
		name: "client id", title: "Client id of " + short(p), text: &w.draft.clients[p.ID].id,
		flag: "--client " + p.ID + ",id=ID", key: key + ".id", wrong: []string{key + ".id", key + ".server"},
	}
}

// wayStep asks how the client gets its id.
func (w *Walk) wayStep(p *probe.Profile) step {
	d, key := w.draft.clients[p.ID], w.clientKey(p)
	return step{
		questions: []question{{
			name: "registration", title: "How does " + short(p) + " get its client id?", text: &d.way, options: ways(p),
			flag: "--client " + p.ID + ",registration=dynamic", key: key + ".registration", wrong: []string{key + ".registration"},
		}},
		info: func() string { return waysInWords[d.way] },
	}
}

func (w *Walk) clientStep(p *probe.Profile) step {
	d, key := w.draft.clients[p.ID], w.clientKey(p)
	return step{
		questions: []question{
			w.idQuestion(p),
			{
				name: "kind of client", title: short(p) + " is", text: &d.keeps, key: key + ".confidential", flag: "--client " + p.ID + ",confidential=true",
				options: []option{{keepsSecret, "confidential: keeps a secret"}, {keepsNothing, "public: PKCE alone"}},
				wrong:   []string{key + ".confidential"},
			},
			{
				name: "consent", title: "The user's consent is", text: &d.consent, key: key + ".consent", flag: "--client " + p.ID + ",consent=true",
				options: []option{{consentAsked, "asked for"}, {consentNone, "taken for granted"}},
			},
		},
		info: func() string { return w.signsInAgain(p) },
	}
}

func (w *Walk) machineStep(p *probe.Profile) step {
	d, key := w.draft.clients[p.ID], w.clientKey(p)
	return step{
		questions: []question{
			w.idQuestion(p),
			{
				name: "how it signs in", title: "It shows who it is with", text: &d.auth, key: key + ".auth", flag: "--client " + p.ID + ",auth=private_key_jwt",
				options: []option{{plan.AuthSecret, "a secret"}, {plan.AuthPrivateKeyJWT, "a private key"}}, wrong: []string{key + ".auth"},
			},
		},
		info: func() string { return short(p) + " signs in by itself: no user, no browser" },
	}
}

func (w *Walk) testerStep() step {
	return step{
		questions: []question{{
			name: "test user", title: "A user to try it with?", about: "empty: none; its password is made", optional: true,
			text: &w.draft.tester, flag: "--user NAME", key: "users[0].name", wrong: []string{"users[0].name"},
		}},
		info: func() string { return "without one you sign in to the trial with a browser" },
	}
}
