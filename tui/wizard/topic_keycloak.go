package wizard

import (
	"cmp"
	"context"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// signInPage is the page's name, loginAt the step on it in which the administrator signs in.
const (
	signInPage = "keycloak"
	loginAt    = 1
)

func (w *Walk) keycloakTopic() topic {
	return topic{
		name: signInPage,
		help: "Keycloak is the authorization server. The administrator's login is used to look and to make what the plan shows; it is kept " +
			"nowhere. It signs in to the realm master; --admin-realm names another, --admin-url another address of the Admin API, --ca-file " +
			"certificates to trust. A Keycloak that only this machine reaches can be carried by Cloudflare's tunnel, beside the server; it is started " +
			"with --hostname and --proxy-headers xforwarded then.",
		steps: func() []step {
			all := []step{w.whereStep(), w.loginStep(), w.realmStep()}
			if w.draft.carriable() {
				all = append(all, w.carriedStep())
			}
			return all
		},
	}
}

func (w *Walk) whereStep() step {
	d := w.draft
	return step{
		questions: []question{
			{
				name: "Keycloak", title: "Where is Keycloak?", about: "as you open it in a browser", example: "https://id.example.com",
				flag: "--issuer, with /realms/<realm>", key: "keycloak.issuer", text: &d.keycloak,
				wrong: []string{"keycloak.issuer", "keycloak.admin_url"},
			},
			{
				name: "admin login", title: "The administrator signs in with", text: &d.by,
				options: []option{{ByPassword, "a password"}, {ByClient, "a client secret"}, {ByToken, "a token"}},
				flag:    "--admin-user, --admin-client, or a token in " + plan.EnvToken, key: "keycloak.admin",
			},
		},
		live: func() *lookup {
			l := w.keycloakLookup("", false)
			l.first = true
			return l
		},
		done: func() {
			base, realm := baseOf(d.keycloak)
			d.keycloak = base
			if realm != "" && realm != plan.DefaultAdminRealm {
				d.realm = realm
			}
		},
	}
}

// keycloakLookup asks Keycloak, signing in where there is a secret.
func (w *Walk) keycloakLookup(secret plan.Secret, atEnter bool) *lookup {
	k := w.draft.answers().Connection.Keycloak
	reached := plan.Connection{Keycloak: k}.Defaults().Keycloak
	who := cmp.Or(k.Admin.User, k.Admin.ClientID, "a token")
	l := &lookup{asking: "asking " + reached.AdminURL, atEnter: atEnter}
	at := k.Issuer + " " + reached.AdminURL
	l.of = [4]string{at, w.draft.realmIs, who, secret.Reveal()}
	if secret == "" {
		l.of = [4]string{at}
	} else if atEnter {
		l.asking = "signing in to " + reached.AdminURL
	}
	l.run = func(ctx context.Context) Verdict { return w.o.Desk.CheckKeycloak(ctx, k, secret) }
	return l
}

func (w *Walk) loginStep() step {
	d := w.draft
	s := step{
		live: func() *lookup { return w.keycloakLookup(d.answers().AdminSecret, true) },
		info: func() string {
			if w.ahead != nil {
				return "it is kept nowhere; what is to be done is shown next, before it is"
			}
			return "it is kept nowhere"
		},
	}
	secret := question{about: "not shown while you type", wrong: []string{keySecret}, secret: true, text: d.secretBox()}
	if *secret.text != "" {
		secret.about = "given already; typing replaces it"
	}
	switch d.by {
	case ByPassword:
		secret.name, secret.title, secret.flag = "password", "Password", plan.EnvPassword+" in the environment"
		s.questions = []question{{
			name: "user", title: "Administrator", example: defaultUser, text: &d.user,
			flag: "--admin-user", key: "keycloak.admin.user", wrong: []string{"keycloak.admin.user"},
		}, secret}
	case ByClient:
		secret.name, secret.title, secret.flag = "client secret", "Client secret", plan.EnvClientSecret+" in the environment"
		s.questions = []question{{
			name: "client id", title: "Client id", about: "one with a service account", example: "mcpwiz", text: &d.client,
			flag: "--admin-client", key: "keycloak.admin.client_id", wrong: []string{"keycloak.admin.client_id"},
		}, secret}
	default:
		secret.name, secret.title, secret.flag = "token", "Access token", plan.EnvToken+" in the environment"
		s.questions = []question{secret}
	}
	return s
}

func (w *Walk) realmStep() step {
	d := w.draft
	return step{
		questions: []question{
			{
				name: "realm", title: "Which realm?", about: "one of its own is best", example: defaultRealm, text: &d.realm,
				flag: "--realm", key: "keycloak.realm", wrong: []string{"keycloak.issuer", "keycloak.realm"},
			},
			{
				name: "whose realm", title: "It is", text: &d.realmIs, flag: "--create-realm", key: "keycloak.create_realm",
				options: []option{{realmMade, "mcpwiz's: made, settings owned"}, {realmUsed, "there already: settings left alone"}},
				wrong:   []string{"keycloak.create_realm"},
			},
		},
		live: func() *lookup { return w.keycloakLookup(d.answers().AdminSecret, false) },
	}
}
