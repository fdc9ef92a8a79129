package checks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// tokenRequest is the token request to judge.
func tokenRequest(t *probe.Trace) *probe.Exchange { return latest(t, probe.TokenRequest, granted) }

// granted reports whether an answer issues an access token.
func granted(x *probe.Exchange) bool {
	_, ok := x.Answer().Object()["access_token"]
	return x.Status() == 200 && ok
}

// otherwise is the verdict on a token request that was refused for a reason that another check tells.
func otherwise(x *probe.Exchange) probe.Verdict {
	return probe.Unknown("the token request was refused for another reason: %s", refused(x)).On(x)
}

func speaksOAuth(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	code, description := refusal(x)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).So("%s cannot read the answer: %s", clientName(t), lastStep(t))
	}
	switch status := x.Status(); {
	case guessed(t, x, "token_endpoint"):
		return probe.Unknown("%s is a guess on the MCP server's host: %s", bare(x), answered(x)).On(x)
	case status == 415 || status == 400 && strings.Contains(description, "grant_type") && parameters(x).Has("grant_type"):
		return v("a form is answered with %s", refused(x)).Mend("take application/x-www-form-urlencoded at the token endpoint (RFC 6749 section 4.1.3)")
	case status >= 300 && status < 400:
		return v("POST %s: %s", bare(x), answered(x)).Mend("name the final URL as token_endpoint: a redirected POST arrives as GET")
	case x.Answer().Object() == nil && status < 500:
		return v("%s instead of a JSON object", inFull(x)).Mend("%s", mendUnread(x)).Because(unreadBecause(t, x))
	case status == 200 && !granted(x) && code != "":
		mend := "answer errors with 400 or 401 (RFC 6749 section 5.2)"
		if slices.Contains(ofTokenRequest, code) {
			return probe.Warn("200 with error %s", quoted(code)).On(x).Who(served(t, x)).So("clients that go by the status look for a token in it").Mend("%s", mend)
		}
		return v("200 with error %s", quoted(code)).Mend("%s", mend)
	case x.Answer().Object() == nil:
		return otherwise(x)
	}
	return probe.Pass("%s", answered(x)).On(x)
}

// ofTokenRequest are the errors of RFC 6749 section 5.2 and RFC 8707 section 2 that checks of their own explain.
var ofTokenRequest = []string{"invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"}

// lastStep is what a token answer that cannot be read costs.
func lastStep(t *probe.Trace) string {
	if machine(t) {
		return "it gets no token"
	}
	return "the login fails at its last step"
}

// mendUnread tells what to do about a token answer that is no JSON object.
func mendUnread(x *probe.Exchange) string {
	body := x.Answer()
	made := body.JSON != nil || len(body.Form) > 0 || body.Size == 0 || body.Problem != "" && strings.Contains(body.Type, "json")
	switch {
	case x.Status() == 404 || x.Status() == 405:
		return "let token_endpoint of the metadata be the URL that takes token requests, and let POST " + x.URL().Path +
			" through what stands in front of the authorization server"
	case succeeded(x) && made:
		return "answer the token request with 200, Content-Type: application/json and one JSON object in UTF-8 that has access_token and token_type (RFC 6749 section 5.1)"
	}
	return "let POST " + x.URL().Path + " through what stands in front of the authorization server"
}

// unreadBecause names the check that tells why an answer cannot be read: it broke off, or nobody serves the URL; "" for neither.
func unreadBecause(t *probe.Trace, x *probe.Exchange) string {
	switch {
	case x.Error != nil:
		return "network.answers-whole"
	case x.Status() == 404:
		return absentBecause(t)
	}
	return ""
}

// absentBecause names the check that tells why nothing is at the token endpoint: what the metadata name is no URL, or nobody's.
func absentBecause(t *probe.Trace) string {
	if d := serverDocument(t); d != nil && lacks(d, "token_endpoint") != "" {
		return "server-metadata.token-endpoint"
	}
	return "server-metadata.endpoints-answer"
}

// noToken is the effect of a token request that was refused.
func noToken(t *probe.Trace) string {
	if machine(t) {
		return clientName(t) + " gets no token"
	}
	return clientName(t) + " gets no token, though its user has signed in"
}

// proof tells how a client proved itself.
func proof(x *probe.Exchange) string {
	p := parameters(x)
	switch {
	case strings.HasPrefix(strings.ToLower(x.Request.Header.Get("Authorization")), "basic "):
		return "its secret by Basic"
	case p.Has("client_assertion"):
		return "a signed assertion"
	case p.Has("client_secret"):
		return "its secret in the form"
	}
	return "no secret"
}

func clientAuthenticated(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	code, description := refusal(x)
	id := quoted(clipped(clientID(x), 60))
	switch {
	case granted(x) || code == "invalid_grant" || code == "invalid_scope" || code == "invalid_target":
		return probe.Pass("client %s with %s", id, proof(x)).On(x)
	case code != "invalid_client" && code != "unauthorized_client" || aboutGrant(code, description):
		return otherwise(x)
	}
	v := probe.Fail("%s for client %s with %s", refused(x), id, proof(x)).On(x).By(ourClient(t, x)).
		So("%s", noToken(t))
	if d := serverDocument(t); d != nil && proof(x) == "a signed assertion" && assertionAlgorithm(t, d).Outcome == probe.Failed {
		v = v.Because("server-metadata.assertion-algorithm")
	}
	switch {
	case proof(x) == "a signed assertion":
		return v.Mend("let the assertion bear iss and sub = the client id, aud = the issuer as one string, a jti used once, and a kid that the client's keys in the realm have")
	case code == "invalid_client":
		return v.Mend("this client does not exist, is disabled, or authenticates in another way: make it again (mcpwiz setup), or remove and add the connection")
	case proof(x) == "no secret":
		return v.Mend("enter the client's secret (mcpwiz credentials), or make the client public in the realm (Client authentication off)")
	}
	return v.Mend("enter the client's secret anew (mcpwiz credentials shows it); the one that was sent is not the realm's")
}

// credentials is what Keycloak says of, where it answers unauthorized_client to a client that did not prove itself.
var credentials = regexp.MustCompile(`(?i)credential|secret|authenticat|assertion|invalid client`)

// aboutGrant tells a refusal of the grant from one of the credentials: unauthorized_client is the former (RFC 6749 section
// 5.2), and Keycloak says it to both.
func aboutGrant(code, description string) bool {
	return code == "unauthorized_client" && !credentials.MatchString(description)
}

func machineGrant(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	code, description := refusal(x)
	if parameters(x).Get("grant_type") != "client_credentials" {
		return probe.Skip("%s does not use client_credentials", clientName(t))
	}
	v := probe.Fail("%s", refused(x)).On(x).By(ourClient(t, x)).So("no machine gets a token with this client")
	switch {
	case granted(x):
		return probe.Pass("granted").On(x)
	case strings.Contains(description, "Public client"):
		return v.Mend("make client %s confidential (Client authentication on) and switch Service accounts roles on: a public client has nothing to prove itself with", quoted(clientID(x)))
	case (aboutGrant(code, description) || code == "unsupported_grant_type") && !keycloak(t):
		return v.Mend("allow client %s the grant client_credentials (Keycloak: Service accounts roles on)", quoted(clientID(x)))
	case aboutGrant(code, description) || code == "unsupported_grant_type":
		return v.Mend("switch Service accounts roles on for client %s (serviceAccountsEnabled)", quoted(clientID(x)))
	}
	return otherwise(x)
}

func resourceAccepted(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	code, _ := refusal(x)
	resource := parameters(x).Get("resource")
	switch {
	case code == "invalid_target" && !keycloak(t):
		return probe.Fail("%s for resource %s", refused(x), quoted(resource)).On(x).
			So("every client that sends resource, as MCP requires, gets no token").
			Mend("let the authorization server take resource %s (RFC 8707): register the MCP server there as a resource, or have it ignore the parameter", resource)
	case code == "invalid_target":
		return probe.Fail("%s for resource %s", refused(x), quoted(resource)).On(x).
			So("every client that sends resource, as MCP requires, gets no token").
			Mend("start Keycloak without the feature resource-indicators; or give a client of the realm the attribute resource_url = %s and add a second audience mapper (Included Client Audience) that names it", t.Target)
	case resource == "":
		return probe.Skip("%s sent no resource", clientName(t))
	case granted(x):
		return probe.Pass("%s", resource).On(x)
	}
	return otherwise(x)
}

func tokenIssued(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	if granted(x) {
		return probe.Pass("%s", answered(x)).On(x)
	}
	return byItself(x, notIssued(t, x))
}

func notIssued(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	said := refused(x)
	if code, _ := refusal(x); code == "" {
		said = inFull(x)
	}
	v := probe.Fail("POST %s: %s", bare(x), said).On(x).Who(served(t, x)).So("%s", noToken(t))
	switch code, _ := refusal(x); {
	case guessed(t, x, "token_endpoint"):
		return v.Who(probe.OwnerOrigin).Mend("publish metadata that %s accepts, so that it does not guess this URL on the MCP server's host", clientName(t))
	case x.Status() >= 500:
		return v.Mend("look into the authorization server's log for this request")
	case code != "":
		return v.Mend("put right what the error says; the authorization server's events have the reason (CODE_TO_TOKEN_ERROR, CLIENT_LOGIN_ERROR)")
	}
	return v.Mend("answer the token request with 200 and a JSON object that has access_token (RFC 6749 section 5.1)")
}
