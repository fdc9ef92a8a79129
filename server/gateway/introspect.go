package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// An Introspector asks the authorization server about tokens that cannot be read here (RFC 7662). What it said holds for a
// minute at most, so a token that is withdrawn lives no longer than that.
type Introspector struct {
	// Issuer names the endpoint in its metadata; ClientID and Secret are who asks. The secret is asked for at each call.
	Issuer   *Issuer
	ClientID string
	Secret   func() (string, error)
	// Transport reaches the endpoint; nil is http.DefaultTransport.
	Transport http.RoundTripper

	once   sync.Once
	client *http.Client
	asking chan struct{}
	flight singleflight.Group
	mu     sync.Mutex
	known  map[[sha256.Size]byte]introspected
}

type introspected struct {
	token   *Token
	refusal *Refusal
	until   time.Time
}

const (
	introspectedFor = time.Minute
	// inactiveFor is short: a token may be asked about before the server that answers knows of it.
	inactiveFor      = 10 * time.Second
	introspectedMost = 10_000
	// askingMost are the calls under way at a time: whoever sends tokens that he made up must not flood the authorization server.
	askingMost = 32
)

func (i *Introspector) begin() {
	i.client = client(i.Transport)
	i.asking = make(chan struct{}, askingMost)
	i.known = map[[sha256.Size]byte]introspected{}
}

// verify returns the token, a *Refusal, or an *Unavailable. One token is asked about once at a time.
func (i *Introspector) verify(ctx context.Context, raw string, r Resource, now func() time.Time) (*Token, error) {
	i.once.Do(i.begin)
	id := sha256.Sum256([]byte(raw))
	if known, ok := i.recall(id, now()); ok {
		return known.verdict()
	}
	done := i.flight.DoChan(string(id[:]), func() (any, error) {
		asking, cancel := context.WithTimeout(context.Background(), fetchTimeout) // others wait for it too
		defer cancel()
		said, err := i.ask(asking, raw)
		if err != nil {
			return nil, &Unavailable{RetryAfter: refetchInterval, Err: err, What: "introspecting the token"}
		}
		known := said.judge(r, now())
		i.keep(id, known, now())
		return known, nil
	})
	select {
	case got := <-done:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.(introspected).verdict()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k introspected) verdict() (*Token, error) {
	if k.refusal != nil {
		return nil, k.refusal
	}
	return k.token, nil
}

func (i *Introspector) recall(id [sha256.Size]byte, now time.Time) (introspected, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k, ok := i.known[id]
	return k, ok && now.Before(k.until)
}

func (i *Introspector) keep(id [sha256.Size]byte, k introspected, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	makeRoom(i.known, introspectedMost, func(old introspected) bool { return !now.Before(old.until) })
	i.known[id] = k
}

// ask makes the call, as a client that authenticates with Basic (RFC 6749 section 2.3.1).
func (i *Introspector) ask(ctx context.Context, raw string) (claims, error) {
	select {
	case i.asking <- struct{}{}:
		defer func() { <-i.asking }()
	case <-ctx.Done():
		return nil, errors.New("too many tokens are being asked about")
	}
	m, err := i.Issuer.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if m.introspection == "" {
		return nil, fmt.Errorf("the metadata of %s name no introspection_endpoint (RFC 8414 section 2)", i.Issuer.name)
	}
	secret, err := i.Secret()
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {raw}, "token_type_hint": {"access_token"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.introspection, strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", m.introspection, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(i.ClientID), url.QueryEscape(secret))
	resp, err := i.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s as client %s: answered %s; a 401 is a wrong secret, or a client that may not introspect",
			m.introspection, short(i.ClientID), resp.Status)
	}
	body, err := readAll(resp.Body, fetchLimit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", m.introspection, err)
	}
	var said claims
	if err := json.Unmarshal(body, &said); err != nil || said == nil {
		return nil, fmt.Errorf("reading %s: no JSON object", m.introspection)
	}
	return said, nil
}

// judge holds what was said to what a token must say here: that it is active, for this resource, unbound, and not over.
func (said claims) judge(r Resource, now time.Time) introspected {
	refused := func(refusal *Refusal) introspected {
		return introspected{refusal: refusal, until: now.Add(inactiveFor)}
	}
	var active bool
	if json.Unmarshal(said["active"], &active) != nil || !active {
		return refused(refuse("inactive", "the authorization server says that the token is not active: expired, withdrawn, or none of its own"))
	}
	if iss := said.text("iss"); iss == "" {
		said["iss"], _ = json.Marshal(r.Issuer) // optional (RFC 7662 section 2.2), and it is the issuer that answered
	}
	if _, told := said["exp"]; !told { // optional too: then it holds as long as what was said
		said["exp"], _ = json.Marshal(now.Add(introspectedFor).Unix())
	}
	t := &Token{}
	if refusal := said.judgeToken(t, r, now); refusal != nil {
		return refused(refusal)
	}
	until := now.Add(introspectedFor)
	if t.Expires.Before(until) {
		until = t.Expires
	}
	return introspected{token: t, until: until}
}
