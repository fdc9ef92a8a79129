package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

func codeAccepted(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	code, description := refusal(x)
	if parameters(x).Get("grant_type") == "client_credentials" {
		return probe.Skip("client_credentials has no code")
	}
	v := probe.Fail("%s", refused(x)).On(x).So("%s", noToken(t))
	switch said := strings.ToLower(description); {
	case granted(x):
		return probe.Pass("redeemed").On(x)
	case code != "invalid_grant":
		return otherwise(x)
	case strings.Contains(said, "pkce") || strings.Contains(said, "verifier"):
		return verifier(t, x, v)
	case strings.Contains(said, "redirect_uri"):
		return v.Mend("repeat the redirect_uri of the authorization request, byte for byte; the token request had %s", quoted(parameters(x).Get("redirect_uri")))
	case strings.Contains(description, "different client_id"):
		return v.Mend("redeem the code with the client id that asked for it")
	}
	return refusedCode(t, x, v)
}

// refusedCode tells what invalid_grant can mean for a code (RFC 6749 section 5.2): that it is over, was used before, is another
// client's, or that redirect_uri or verifier are not those of the authorization request. What the trace shows to be in order
// is ruled out; where all is, the authorization server has lost a good code.
func refusedCode(t *probe.Trace, x *probe.Exchange, v probe.Verdict) probe.Verdict {
	from := asking(t, x)
	if from == nil {
		return v.Mend("compare with the authorization request, which was not seen: client id, redirect_uri and verifier must be its own, and a code is good once and for a minute")
	}
	p, asked := parameters(x), parameters(from)
	made, back := x.S256["code_verifier"], bringsCode(t, x)
	switch {
	case clientID(x) != "" && clientID(x) != clientID(from):
		return v.On(from).Mend("redeem the code with the client id that asked for it, %s, not with %s", quoted(clientID(from)), quoted(clientID(x)))
	case p.Get("redirect_uri") != asked.Get("redirect_uri"):
		return v.On(from).Mend("repeat the redirect_uri of the authorization request, byte for byte: it had %s, the token request %s",
			quoted(asked.Get("redirect_uri")), quoted(p.Get("redirect_uri")))
	case asked.Get("code_challenge") != "" && made != asked.Get("code_challenge"):
		return verifier(t, x, v.On(from))
	case back != nil && sentCode(back) != p.Get("code"):
		return v.On(back).Mend("send the code as it came in exchange %d: the token request bears another one, so that something on the way has changed it", back.N)
	}
	if before := redeemedBefore(t, x); before != nil {
		if code, _ := refusal(before); code == "invalid_grant" {
			return refusedCode(t, before, v) // what was wrong there is the reason; the retry had no chance
		}
		return v.On(before).Mend("send a code once: exchange %d had sent this one already (%s), which uses it up whatever was wrong there", before.N, refused(before))
	}
	if back == nil {
		return v.On(from).Mend("log in again and let the code be redeemed at once: client, redirect_uri and verifier are those of exchange %d; when the code came, and whether it was used before, was not seen", from.N)
	}
	v = v.On(from)
	if back != from {
		v = v.On(back)
	}
	waited := x.Start.Sub(back.Start)
	if waited > time.Minute {
		return v.Mend("redeem the code at once: it was sent %s after it came, and codes live a minute or less", spell(waited))
	}
	return v.Who(served(t, x)).
		Mend("look into the authorization server: client, redirect_uri and verifier are those of exchange %d, and the code was sent once, as it came, %s; "+
			"it may keep codes in the memory of one replica, let them live too short, or have a proxy before it that sends the request twice", from.N, soon(waited))
}

func soon(d time.Duration) string {
	if d < time.Second {
		return "within a second"
	}
	return fmt.Sprintf("after %.0f s", d.Seconds())
}

// bringsCode returns the last authorization response before a token request, nil for none that bears a code.
func bringsCode(t *probe.Trace, x *probe.Exchange) *probe.Exchange {
	for _, y := range slices.Backward(t.Of(probe.Callback)) {
		if y.N < x.N && sentCode(y) != "" {
			return y
		}
	}
	return nil
}

func sentCode(response *probe.Exchange) string {
	if q := sentBack(response); q != nil {
		return q.Get("code")
	}
	return parameters(response).Get("code")
}

// redeemedBefore returns an earlier token request with the same code, nil for none.
func redeemedBefore(t *probe.Trace, x *probe.Exchange) *probe.Exchange {
	for _, y := range t.Of(probe.TokenRequest) {
		if y.N < x.N && parameters(y).Get("code") == parameters(x).Get("code") && parameters(x).Get("code") != "" {
			return y
		}
	}
	return nil
}

// verifier tells who is wrong about PKCE: the challenge is kept, and of the verifier its S256.
func verifier(t *probe.Trace, x *probe.Exchange, v probe.Verdict) probe.Verdict {
	from := t.Last(probe.Authorization)
	made := x.S256["code_verifier"]
	switch {
	case made == "":
		return v.Mend("send code_verifier with the token request (RFC 7636 section 4.5)")
	case from == nil:
		return v.Mend("send the verifier of this login's challenge, 43 to 128 characters")
	case parameters(from).Get("code_challenge") == made:
		return v.Who(probe.OwnerAuthorizationServer).Mend("the verifier fits the challenge that was sent (exchange %d): the authorization server must take verifiers of 43 to 128 characters whole", from.N)
	}
	return v.Mend("send the verifier of this login's challenge: the one sent does not make the challenge of exchange %d", from.N)
}
