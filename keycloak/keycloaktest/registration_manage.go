package keycloaktest

import "net/http"

// managed finds the client of a registration access token (RFC 7592 2). It is not told whether there is such a client.
func (c *call) managed(verb string) (*client, answer, bool) {
	token := c.bearerToken()
	claims, ok := c.unseal(token, "RegistrationAccessToken")
	if token != "" && !ok {
		return nil, refused(http.StatusUnauthorized, "invalid_token", "Failed decode token"), false
	}
	one := c.realm.client(c.at["client"])
	if one == nil || token == "" || one.registrationID == "" || one.registrationID != text(claims, "jti") {
		return nil, refused(http.StatusUnauthorized, "invalid_token", verb), false
	}
	return one, answer{}, true
}

const (
	mayNotView   = "Not authorized to view client. Not valid token or client credentials provided."
	mayNotUpdate = "Not authorized to update client. Maybe missing token or bad token type."
)

func (c *call) showRegistration(one *client) answer {
	return c.allowOrigin(answer{status: http.StatusOK, body: encode(c.registration(one))}.with("Content-Type", "application/json;charset=UTF-8"))
}

func readRegistration(c *call) answer {
	one, a, ok := c.managed(mayNotView)
	if !ok {
		return a
	}
	return c.showRegistration(one)
}

// updateRegistration holds the client to the policies again and gives it a new token.
func updateRegistration(c *call) answer {
	one, a, ok := c.managed(mayNotUpdate)
	if !ok {
		return a
	}
	m, a, ok := c.readMetadata()
	if !ok {
		return a
	}
	if a, ok := c.admit(m, false); !ok {
		return a
	}
	rep := one.rep
	if a, ok := c.describe(&rep, m); !ok {
		return a
	}
	if time, ok := one.rep.Attributes["client.secret.creation.time"]; ok {
		rep.Attributes["client.secret.creation.time"] = time
	}
	if m.Scope != "" {
		one.defaults, one.optional = c.realm.scopesNamed(rep.DefaultScopes), c.realm.scopesNamed(rep.OptionalScopes)
	}
	rep.DefaultScopes, rep.OptionalScopes = nil, nil
	rep.normalize()
	one.rep, one.registrationID = rep, ""
	return c.showRegistration(one)
}

func deleteRegistration(c *call) answer {
	one, a, ok := c.managed(mayNotUpdate)
	if !ok {
		return a
	}
	c.realm.removeClient(one)
	return status(http.StatusNoContent)
}
