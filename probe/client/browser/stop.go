package browser

import (
	"fmt"
	"net/url"
	"strings"
)

// Why says what kept a login from coming to its end.
type Why string

const (
	// WrongPassword: the server refused user and password, or shows the form again. They are not tried a second time.
	WrongPassword Why = "wrong-password"
	// NeedsCode: a one-time code is asked for and there is nobody to give one; WrongCode: the one given was refused.
	NeedsCode Why = "needs-code"
	WrongCode Why = "wrong-code"
	// NeedsConsent: the user must consent and was not asked.
	NeedsConsent Why = "needs-consent"
	// Elsewhere: the server sends the user to another host or realm.
	Elsewhere Why = "elsewhere"
	// UnknownPage: a page that needs a person, or that the walk does not know.
	UnknownPage Why = "unknown-page"
	// Refused: a page that says that nothing else will come.
	Refused Why = "refused"
	// Undelivered: the response was issued but does not reach a callback that answers GET.
	Undelivered Why = "undelivered"
	// Endless: one page or redirect after another.
	Endless Why = "endless"
)

// useBrowser is what to do where the walk cannot go on and a person could.
const useBrowser = "use a browser (--browser)"

// An Error says why a login has no end. It bears no secret.
type Error struct {
	Why Why
	// Host is where it stopped, or where the user is sent to.
	Host string
	// Page is the page's id in Keycloak's theme, "" where there is none.
	Page string
	// Said is what the page says.
	Said string
	// Remedy is what to do.
	Remedy string
	what   string
}

func (e *Error) Error() string {
	parts := []string{e.what}
	if e.Said != "" {
		parts = append(parts, fmt.Sprintf("the page says %q", e.Said))
	}
	if e.Remedy != "" {
		parts = append(parts, e.Remedy)
	}
	return strings.Join(parts, ": ")
}

// elsewhere says where a user is sent who starts at one place: at another host, or in another realm of the same.
func elsewhere(start, to *url.URL) *Error {
	at := to.Host
	if strings.EqualFold(start.Host, to.Host) {
		at = strings.TrimSuffix(strings.TrimPrefix(home(to), to.Scheme+"://"), "/")
	}
	return &Error{Why: Elsewhere, Host: to.Host, what: "this realm signs in at " + at, Remedy: useBrowser}
}

// stop makes an Error of what a page shows.
func (p *page) stop(why Why, remedy, format string, args ...any) *Error {
	return &Error{Why: why, Host: p.url.Host, Page: p.id, Said: p.said(), Remedy: remedy, what: fmt.Sprintf(format, args...)}
}
