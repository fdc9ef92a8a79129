package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxPastes bounds how often the user is asked for the address.
const maxPastes = 5

// pasted has the user bring the address at which the browser came to the client's callback. The callback's own server has
// seen the code by then, and can do nothing with it: it lacks the verifier (RFC 7636).
func (o *Own) pasted(ctx context.Context, c *callback) (*url.URL, error) {
	o.tell("In the end the browser comes to %s. Whatever that page says, copy its whole address and paste it here.\n", c.r.RedirectURI)
	for range maxPastes {
		text, err := o.Paste(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the address at %s: %w", c.own.Host, err)
		}
		to, err := url.Parse(strings.TrimSpace(text))
		switch {
		case err != nil || !c.r.isResponse(to):
			o.tell("That is no address at %s. Paste the whole address, from %s:// on.\n", c.r.RedirectURI, c.own.Scheme)
		case !answers(to.Query()):
			o.tell("There is neither a code nor an error in that address.\n")
		case !c.r.matches(to):
			o.tell("The state in that address is not the one that was sent: it belongs to another login.\n")
		default:
			// What the callback answered was not seen.
			if c.r.Tap != nil {
				c.r.Tap.Handed(http.MethodGet, to.String())
			}
			return to, nil
		}
	}
	return nil, fmt.Errorf("read the address at %s: none of %d was the answer to this login", c.own.Host, maxPastes)
}
