package main

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/client"
)

type doctorOptions struct {
	handshakeOptions
	noPublicDNS bool
	holdStream  time.Duration
	keycloak    string
	origin      string
	read        string
	tui         bool
	watch       time.Duration
	background  backgroundFlags
}

func (p *program) doctor() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Say what is wrong with a connection, who must act, and what to mend first",
		Long: `doctor makes a handshake as a client does, and judges every step of it. Without credentials it goes as far as a stranger can and
says what was not tried; with --login or --browser it signs a user in and goes all the way. It exits with 0 when all is well, 1
when something failed, 3 when something expected was not reached.

With --keycloak it also looks into Keycloak as the administrator that the file names, and changes nothing: what differs from what
the file asks for, settings that are dangerous, holes of this version, and what Keycloak has logged of the handshake. mcpwiz fix
puts right what can be.
` + handshakeHelp,
		Example: `  mcpwiz doctor https://mcp.example.com/mcp
  mcpwiz doctor https://mcp.example.com/mcp --client-id claude --login alice
  mcpwiz doctor https://mcp.example.com/mcp --as m2m --client-id robot
  mcpwiz doctor https://mcp.example.com/mcp --as all  # who connects, who does not, why
  mcpwiz doctor -f mcpwiz.yaml --consent --format json
  mcpwiz doctor --keycloak mcpwiz.yaml                # the same, and what an administrator sees of Keycloak
  mcpwiz doctor --tui https://mcp.example.com/mcp     # watch it live, stage by stage
  mcpwiz doctor https://mcp.example.com/mcp --format html > report.html   # a page to pass on
  mcpwiz doctor https://mcp.example.com/mcp --bundle for-support.zip      # all that others need, without a secret
  mcpwiz doctor https://mcp.example.com/mcp --watch=1m --skip session     # tell what changes
  mcpwiz doctor --read capture.jsonl           # judge again what was kept with --out
  mcpwiz doctor --read browser.har             # or what a browser has kept of its network`,
		Args: atMostOne("URL"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.take(args); err != nil {
				return err
			}
			if err := o.checkWatch(c.Flags().Changed("watch")); err != nil {
				return err
			}
			return p.runDoctor(c.Context(), &o)
		},
	}
	o.add(p, c)
	c.Flags().BoolVar(&o.tui, "tui", false, "watch it live on a page, and open each stage; the report comes afterwards")
	o.background.add(c)
	c.Flags().DurationVar(&o.holdStream, "hold-stream", 0, "keep the server's stream open this long (`3m`), to see whether something cuts it when nothing comes")
	c.Flags().StringVar(&o.keycloak, "keycloak", "", "look into Keycloak too, as the administrator of this `mcpwiz.yaml`; without URL and -f its clients are whom to behave as")
	c.Flags().StringVar(&o.origin, "origin", "", "ask the same at this `URL` too, where the server listens behind what stands in front of it, and tell what the edge does to answers "+
		"(default: with -f the address that the server listens at, when mcpwiz serve answers there; none compares nothing)")
	c.Flags().BoolVar(&o.noPublicDNS, "no-public-dns", false, "do not compare host names with what 1.1.1.1 and 8.8.8.8 say of them")
	c.Flags().StringVar(&o.read, "read", "", "judge a capture, a JSON report, a bundle or a browser's HTTP archive (HAR) again; `file`, - for what comes in")
	c.Flags().DurationVar(&o.watch, "watch", 0, "make the handshake again and again, and tell what changed; every `interval`, e.g. 30s")
	c.Flags().Lookup("watch").NoOptDefVal = watchEvery.String()
	return c
}

func (p *program) runDoctor(ctx context.Context, o *doctorOptions) error {
	if o.read != "" {
		if o.tui {
			return usage("leave --tui out", "--tui watches a handshake live, --read judges one that was kept")
		}
		if o.connection.given() || o.acts() || o.keycloak != "" || o.origin != "" {
			return usage("leave -f out, and who signs in", "--read asks nobody: what is judged is in the file")
		}
		return p.runRead(o)
	}
	if o.keycloak != "" && o.target == "" && !o.connection.given() {
		o.connection.file = o.keycloak
	}
	if o.tui {
		return p.showDoctor(ctx, o)
	}
	all, err := p.examinations(ctx, o)
	if err != nil {
		return err
	}
	if o.watch > 0 {
		return p.watchDoctor(ctx, o, all)
	}
	if o.several() {
		return p.compareClients(ctx, o, all)
	}
	t := p.telling(o.telling)
	return p.run(ctx, t, all, t.Sink)
}

// examinations are the handshakes to make, with all that is asked besides.
func (p *program) examinations(ctx context.Context, o *doctorOptions) ([]client.Options, error) {
	all, err := p.handshakes(ctx, &o.handshakeOptions)
	if err != nil {
		return nil, err
	}
	o.examine(all)
	if err := p.behindEdge(ctx, o, all); err != nil {
		return nil, err
	}
	if err := p.lookInside(ctx, o.keycloak, all); err != nil {
		return nil, err
	}
	return all, p.lookAtEdge(ctx, cmp.Or(o.connection.file, o.keycloak), all)
}

// examine has handshakes ask also what no client would: the servers, and for a public name two public name servers.
func (o *doctorOptions) examine(all []client.Options) {
	for i := range all {
		all[i].Probes, all[i].HoldStream = true, o.holdStream
		if !o.noPublicDNS {
			all[i].Resolvers = client.PublicResolvers()
		}
	}
}
