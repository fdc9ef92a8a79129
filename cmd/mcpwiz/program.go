package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
)

// A program is what the commands have of the world around them. Data goes to out, talk to err.
type program struct {
	in       *os.File
	lines    *bufio.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	ascii    bool
	// called is set when the command line was understood: what went wrong before is a wrong call.
	called bool
	// shelved returns the profiles that are known here; nil for those of this program.
	shelved func() (*profiles.Shelf, error)
}

func newProgram(in, out, err *os.File, env func(string) (string, bool)) *program {
	p := &program{in: in, lines: bufio.NewReader(in), out: out, err: err, env: env}
	p.shelved = sync.OnceValues(p.readShelf)
	return p
}

func (p *program) execute(ctx context.Context, args []string) error {
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !p.called && !errors.As(err, new(*failure)) {
		return usage("mcpwiz --help", "%w", err)
	}
	return err
}

const (
	groupConnect = "connect"
	groupJudge   = "judge"
)

func (p *program) root() *cobra.Command {
	cobra.EnableCommandSorting = false // in the order in which they are needed
	root := &cobra.Command{
		Use:   "mcpwiz",
		Short: "Connect Claude to an MCP server behind Keycloak, and see what is wrong where it does not connect",
		Long: `mcpwiz connects Claude and other MCP clients to an MCP server behind Keycloak: it provisions Keycloak, serves MCP with
OAuth, behaves as the client does, and judges every step of the handshake.`,
		Example: `  mcpwiz                                                 # on a terminal: the wizard
  mcpwiz demo                                            # all of it on this machine, in seconds
  mcpwiz doctor https://mcp.example.com/mcp              # why does Claude not connect?
  mcpwiz setup -f mcpwiz.yaml                            # make Keycloak as it should be
  mcpwiz credentials claude -f mcpwiz.yaml               # what to type into Claude
  mcpwiz serve -f mcpwiz.yaml                            # serve MCP behind OAuth`,
		Args:             noCommand,
		RunE:             func(c *cobra.Command, _ []string) error { return p.runAlone(c.Context()) },
		PersistentPreRun: func(*cobra.Command, []string) { p.called = true },
		SilenceErrors:    true,
		SilenceUsage:     true,
		Version:          build().Version,
	}
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(wrongFlag)
	root.SetVersionTemplate("mcpwiz {{.Version}}\n")
	root.PersistentFlags().BoolVar(&p.ascii, "ascii", false, "use marks of ASCII only")
	root.AddGroup(&cobra.Group{ID: groupConnect, Title: "To connect:"}, &cobra.Group{ID: groupJudge, Title: "To find what is wrong:"})
	addGroup(root, groupConnect, p.wizard(), p.up(), p.plan(), p.setup(), p.expose(), p.credentials(), p.serve(), p.undo(), p.uninstall(), p.keycloak())
	addGroup(root, groupJudge, p.doctor(), p.fix(), p.emulate(), p.explain(), p.profiles(), p.lab())
	root.AddCommand(p.demo(), p.version())
	strictCompletion(root)
	return root
}

// strictCompletion has the command that cobra adds refuse a shell that it does not know, which cobra answers with help and 0.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args = noCommand
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// runAlone is the wizard where there is a terminal. Elsewhere nothing can be asked: it says what to call.
func (p *program) runAlone(ctx context.Context) error {
	if _, usable := p.pagesOn(backgroundFlags{}); !usable {
		return usage("mcpwiz --help lists the commands\n"+withoutPages+"\nmcpwiz doctor URL says why a client does not connect",
			"mcpwiz alone is the wizard, and there is no terminal to ask on")
	}
	return p.runWizard(ctx, &wizardOptions{})
}

func addGroup(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
	}
	root.AddCommand(commands...)
}

// noCommand refuses what is no command, with those that it may have been meant to be.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	hint := c.CommandPath() + " --help lists the commands"
	if strings.Contains(args[0], "://") {
		hint = "mcpwiz doctor " + args[0]
	} else if near := nearest(args[0], names); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(hint, "unknown command %q", args[0])
}

// wrongFlag tells the flags that are near one that is not there.
func wrongFlag(c *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	hint := c.CommandPath() + " --help lists its flags"
	if missing := new(pflag.NotExistError); errors.As(err, &missing) {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := nearest(missing.GetSpecifiedName(), names); len(near) > 0 {
			hint = "did you mean --" + strings.Join(near, " or --") + "?"
		}
	}
	return usage(hint, "%w", err)
}

// oneArg and atMostOne ask for arguments by their name.
func oneArg(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongArgs(c, fmt.Sprintf("one %s", name), args)
		}
		return nil
	}
}

func atMostOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return wrongArgs(c, fmt.Sprintf("at most one %s", name), args)
		}
		return nil
	}
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return wrongArgs(c, "no argument", args)
	}
	return nil
}

func wrongArgs(c *cobra.Command, want string, args []string) error {
	return usage(firstExample(c), "%s takes %s, %d given", c.CommandPath(), want, len(args))
}

// firstExample is how a command is called rightly.
func firstExample(c *cobra.Command) string {
	line, _, _ := strings.Cut(strings.TrimSpace(c.Example), "\n")
	line, _, _ = strings.Cut(line, "  #")
	if line == "" {
		return c.CommandPath() + " --help"
	}
	return "e.g. " + strings.TrimSpace(line)
}
