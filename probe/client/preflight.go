package client

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// pagesSteps are what the browser of a client that runs in a web page asks of itself before the page may call (Fetch, CORS-preflight
// fetch). Requests for metadata need none, or are made anew in a form that needs none.
var pagesSteps = []Step{
	{
		Title: "ask whether the client's page may call", Stage: probe.StageChallenge, Makes: evidence{probe.Preflight}, Do: mayCall, aside: true,
	},
	{
		Title: "ask whether the client's page may register", Stage: probe.StageRegistration, Makes: evidence{probe.Preflight},
		Needs: evidence{probe.ServerMetadata}, Do: mayRegister, aside: true,
	},
}

func mayCall(ctx context.Context, e *Emulator) error {
	headers := []string{"authorization", "content-type", "mcp-protocol-version"}
	if all := e.opt.Profile.Protocol.Open; len(all) > 0 && all[0].Method == "server/discover" {
		headers = []string{"authorization", "content-type", "mcp-method", "mcp-protocol-version"}
	}
	return e.preflight(ctx, e.opt.Target, headers)
}

func mayRegister(ctx context.Context, e *Emulator) error {
	at := e.wallet.endpoints.registration
	if !e.opt.registers() || absolute(at) == nil {
		return errors.New("the client does not register")
	}
	return e.preflight(ctx, at, []string{"content-type"})
}

// preflight asks as a browser does whether the client's page may POST with these headers, which are in order.
func (e *Emulator) preflight(ctx context.Context, target string, headers []string) error {
	r, err := request(http.MethodOptions, target, nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", browserAgent)
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Origin", e.opt.Profile.Headers.PageOrigin)
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	r.Header.Set("Access-Control-Request-Headers", strings.Join(headers, ","))
	r.Header.Set("Sec-Fetch-Mode", "cors")
	send(ctx, e.aside, e.limit(e.opt.Profile.Limits.Discovery, 10), r)
	return nil
}

// asksForPage reports whether the client's page is looked after: a doctor does, as the client itself may be another form of it.
func (o *Options) asksForPage() bool { return o.Probes && o.Profile.Headers.PageOrigin != "" }
