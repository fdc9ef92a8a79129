package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// credentialsKeys are the keys that credentials uses.
var credentialsKeys = []string{"url", "issuer", "client"}

type credentialsOptions struct {
	connection connectionFlags
	client     string
	format     string
}

// A credential is what a client is given.
type credential struct {
	URL          string `json:"url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
	Issuer       string `json:"issuer"`
}

func (p *program) credentials() *cobra.Command {
	var o credentialsOptions
	c := &cobra.Command{
		Use:   "credentials CLIENT",
		Short: "Print what to type into a client: URL, client id, secret",
		Long: `credentials prints what to type into Claude's dialog, or to give another client of the connection. It is the only command that
prints a secret.`,
		Example: `  mcpwiz credentials claude -f mcpwiz.yaml
  mcpwiz credentials claude -f mcpwiz.yaml --format json | jq -r .client_secret`,
		Args: oneArg("client"),
		RunE: func(_ *cobra.Command, args []string) error {
			o.client = args[0]
			return p.runCredentials(&o)
		},
	}
	o.connection.add(c, credentialsKeys...)
	addFormat(c, &o.format, "text", "json")
	return c
}

func (p *program) runCredentials(o *credentialsOptions) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return err
	}
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	client, ok := c.Client(o.client)
	if !ok {
		return unknownClient(c, o.client)
	}
	registered, err := keycloak.RegistrationOf(c, client, p.profileOf)
	if err != nil {
		return err
	}
	given := credential{URL: client.Server, ClientID: client.ID, Issuer: c.Keycloak.Issuer}
	if registered.Secret {
		if given.ClientSecret, err = keptSecret(o.connection, client.ID); err != nil {
			return err
		}
	}
	if o.format == "json" {
		return p.writeJSON(given)
	}
	_, err = fmt.Fprint(p.out, given.text(client, registered))
	return err
}

func unknownClient(c plan.Connection, name string) error {
	var ids []string
	for _, client := range c.Defaults().Clients {
		ids = append(ids, cmp.Or(client.ID, client.Profile))
	}
	return usage("there are "+strings.Join(ids, ", "), "the connection has no client %q", name)
}

func keptSecret(f connectionFlags, id string) (string, error) {
	path := plan.SecretsPath(f.path())
	secrets, err := plan.LoadSecrets(path)
	if err != nil {
		return "", err
	}
	secret, ok := secrets.Get(plan.ClientSecret(id))
	if !ok {
		return "", failed(fmt.Errorf("no secret of client %s is kept in %s", id, path), "mcpwiz setup "+f.flags(setupKeys...)+" makes it")
	}
	return secret.Reveal(), nil
}

// text puts each value at the end of its line, where a double click takes it whole.
func (g credential) text(client plan.Client, registered keycloak.Registration) string {
	var b strings.Builder
	hosted := client.Profile == "claude-ai"
	if hosted {
		b.WriteString("Claude: Settings, Connectors, Add custom connector. Type:\n\n")
	}
	rows := [][2]string{{"URL", g.URL}, {"client id", g.ClientID}, {"client secret", g.ClientSecret}}
	if !hosted {
		rows = append(rows, [2]string{"issuer", g.Issuer})
	}
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(&b, "  %-13s  %s\n", row[0], row[1])
		}
	}
	for _, line := range advice(client, registered) {
		fmt.Fprintf(&b, "\n%s\n", wrapped(line, 0, 100))
	}
	return b.String()
}

// advice answers what people ask next.
func advice(client plan.Client, registered keycloak.Registration) []string {
	switch {
	case client.RegistersItself():
		return []string{"No client id: leave that field empty, and the client brings its own along (registration: " + client.Registration + ")."}
	case client.Profile == "claude-ai":
		return []string{
			"Client id and secret are under Advanced settings. Claude has no field for a Token URL and needs none: it finds Keycloak through the server's metadata.",
			"The secret does not make it machine-to-machine: Claude always signs a user in, in a browser. For a machine add a client of the profile m2m.",
		}
	case registered.Key:
		return []string{"It signs in with a private key, in " + plan.SecretsFile + " under " + plan.ClientKey(client.ID) + "."}
	case client.Profile == plan.Introspection:
		return []string{"It only introspects tokens (RFC 7662)."}
	case !registered.Secret:
		return []string{"It is public: it has no secret, and is protected by PKCE and its redirect URIs."}
	}
	return nil
}
