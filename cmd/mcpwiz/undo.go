package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

type undoOptions struct {
	connection                   connectionFlags
	list, all, yes, othersInside bool
	format                       string
}

func (p *program) undo() *cobra.Command {
	var o undoOptions
	c := &cobra.Command{
		Use:   "undo",
		Short: "Put back what the last run changed in Keycloak and at Cloudflare",
		Long: `undo puts back what was before the last run that changed something, the last change first: what was made is deleted, what was
changed gets its former settings. Called again it goes back one run further. It goes by the journal in .mcpwiz beside the file,
so it also ends what a run that was killed in the middle has left. What does not bear mcpwiz's tag any more is left alone, and
so is a realm into which others have put clients or users. A secret that was changed cannot be put back.

It exits with 0 also where there is nothing to undo.`,
		Example: `  mcpwiz undo -f mcpwiz.yaml
  mcpwiz undo -f mcpwiz.yaml --list     # what can be undone
  mcpwiz undo -f mcpwiz.yaml --all      # every run, back to the first`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runUndo(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVar(&o.list, "list", false, "only list what can be undone, the last first")
	c.Flags().BoolVar(&o.all, "all", false, "undo every run, not only the last")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "undo it without asking")
	addOthersInside(c, &o.othersInside)
	addFormat(c, &o.format, "text", "json")
	return c
}

func addOthersInside(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "others-inside", false, "delete a realm of mcpwiz's also where others have put clients or users into it")
}

func (p *program) runUndo(ctx context.Context, o *undoOptions) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return err
	}
	o.connection.untouched = true
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, connection: c, path: o.connection.path()}
	here, elsewhere, err := s.past()
	switch {
	case err != nil:
		return err
	case o.list && o.format == "json":
		return p.writeJSON(newUndoDocument(slices.Concat(elsewhere, here)))
	case o.list:
		return p.listPast(slices.Concat(elsewhere, here))
	}
	if !o.all {
		here = plan.LastRun(here)
	}
	if len(here) == 0 {
		_, err := fmt.Fprintf(p.out, "Nothing to undo at %s.\n", s.place())
		p.tellElsewhere(elsewhere)
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.tellReversal(ctx, here); err != nil {
		return err
	}
	if ok, err := s.mayUndo(ctx, here, undoConsent{o.yes, o.othersInside, "Undo it?"}); !ok {
		return err
	}
	return s.undo(ctx, here)
}

// tellReversal shows what undo would do, and what somebody has changed since.
func (s *provisioning) tellReversal(ctx context.Context, all []plan.Past) error {
	r := plan.Reversal(all)
	if err := r.NoteMoved(ctx, all, s.resources); err != nil {
		return err
	}
	return r.Write(s.program.out)
}

// past returns what the journal has of this connection's realm, and what of others.
func (s *provisioning) past() (here, elsewhere []plan.Past, err error) {
	records, err := plan.ReadJournal(plan.JournalPath(s.path))
	for _, one := range plan.Standing(records) {
		switch {
		case s.only != "" && !strings.HasPrefix(one.Change.Resource, s.only):
		case one.Place == "" || one.Place == s.place(), atCloudflare(one) && (s.connection.Expose.ByAPI() || s.program.cloudflareGiven()):
			here = append(here, one)
		default:
			elsewhere = append(elsewhere, one)
		}
	}
	return here, elsewhere, err
}

// atCloudflare: the change was made there; in which account its place says.
func atCloudflare(one plan.Past) bool {
	return strings.HasPrefix(one.Change.Resource, cloudflarePrefix)
}

// place is where the changes of this connection are made.
func (s *provisioning) place() string { return s.connection.Defaults().Keycloak.Issuer }

// find returns the resource of a change: as the connection has it, or by its name alone.
func (s *provisioning) find(one plan.Past) (plan.Resource, error) {
	name := one.Change.Resource
	if i := slices.IndexFunc(s.resources, func(r plan.Resource) bool { return r.Name() == name }); i >= 0 {
		if placed, ok := s.resources[i].(plan.Placed); ok && placed.Place() != one.Place {
			return nil, fmt.Errorf("it was made in another place: %s", one.Place)
		}
		return s.resources[i], nil
	}
	switch {
	case !atCloudflare(one):
	case s.site == nil || s.site.Place() != one.Place:
		return nil, fmt.Errorf("it was made in another place: %s", one.Place)
	default:
		return s.site.Named(name)
	}
	return keycloak.Named(s.admin, s.secrets, s.connection.Defaults().Keycloak.Realm, name)
}

// An undoConsent is how somebody agrees that things are undone.
type undoConsent struct {
	yes, othersInside bool
	question          string
}

// mayUndo asks, unless it is agreed beforehand. Where others' things would be deleted too, that has to be said by its name.
func (s *provisioning) mayUndo(ctx context.Context, all []plan.Past, c undoConsent) (bool, error) {
	if err := s.outlives(all); err != nil {
		return false, err
	}
	if !c.othersInside {
		err := plan.Holding(ctx, all, s.find)
		if errors.Is(err, plan.ErrHolds) {
			return false, failed(fmt.Errorf("%w: nothing was touched", err), "--others-inside deletes it with all that is in it")
		}
		if err != nil {
			return false, err
		}
	}
	if c.yes {
		return true, nil
	}
	if !s.program.asks() {
		return false, usage("--yes does it without asking", "there is no terminal to ask on whether to do it")
	}
	ok, err := s.program.confirm(ctx, c.question)
	if err == nil && !ok {
		s.program.say("Nothing was touched.")
		err = ended(exitFailed)
	}
	return ok, err
}

// outlives refuses to undo what the account that signs in lives by: that comes before the changes it was made for.
func (s *provisioning) outlives(all []plan.Past) error {
	realm := s.connection.Defaults().Keycloak.Realm
	if s.admin == nil {
		return nil
	}
	for _, one := range all {
		if one.Change.Action == plan.Create && s.admin.LivesBy(realm, one.Change.Resource) {
			return failed(fmt.Errorf("undo %s: it is what signs in here, and nothing could be undone after it: nothing was touched", one.Change.Resource),
				"sign in as another administrator: --admin-client '' --admin-user NAME --admin-realm master")
		}
	}
	return nil
}

var undoneAs = map[plan.Action]string{plan.Create: "deleted", plan.Update: "put back"}

// undo puts back what was, and tells what it cannot find.
func (s *provisioning) undo(ctx context.Context, all []plan.Past) error {
	p, undone := s.program, 0
	err := plan.Undo(ctx, all, s.find, s.journal(), func(at plan.Undoing) {
		name := at.Past.Change.Resource
		switch {
		case !at.Done:
		case at.Err != nil:
			p.say("  %s %s", p.mark(false), name)
		case at.Gone:
			undone++
			p.say("  %s %s  is not there any more", p.mark(true), name)
		default:
			undone++
			p.say("  %s %s  %s", p.mark(true), name, undoneAs[at.Past.Change.Action])
		}
	})
	if err == nil {
		return s.forgetRunToken(all)
	}
	hint := fmt.Sprintf("%d of %d changes are undone; the same command goes on where this one stopped", undone, len(all))
	if ctx.Err() != nil {
		p.say("%s", hint)
		return err
	}
	return failed(err, hint)
}

// listPast lists what can be undone, the last first.
func (p *program) listPast(all []plan.Past) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(p.out, "Nothing to undo.")
		return err
	}
	slices.SortStableFunc(all, func(a, b plan.Past) int { return a.Time.Compare(b.Time) })
	run := ""
	for _, one := range slices.Backward(all) {
		if one.Run != run {
			run = one.Run
			fmt.Fprintf(p.out, "%s  %s\n", one.Time.Local().Format(time.DateTime), one.Place)
		}
		if _, err := fmt.Fprintf(p.out, "  %s  %s\n", one.Change.Resource, stateOf(one)); err != nil {
			return err
		}
	}
	return nil
}

// stateOf says what the journal knows of a change.
func stateOf(one plan.Past) string {
	done := pastOf[one.Change.Action]
	switch one.State {
	case plan.Intended:
		return "was to be " + done + ": the run ended in the middle"
	case plan.Failed:
		return "was to be " + done + ": it failed, some of it may be in place"
	}
	return done
}

// cloudflarePlace is what the places at Cloudflare begin with.
const cloudflarePlace = "cloudflare account "

// tellElsewhere tells what the journal has of other realms, and of accounts that nobody gives a token for.
func (p *program) tellElsewhere(all []plan.Past) {
	counts := map[string]int{}
	for _, one := range all {
		counts[one.Place]++
	}
	for _, place := range slices.Sorted(maps.Keys(counts)) {
		how := "--issuer " + quoted(place)
		if strings.HasPrefix(place, cloudflarePlace) {
			how = "a token of it in " + plan.EnvCloudflareToken
		}
		p.say("The journal has %d more of %s: %s undoes those.", counts[place], place, how)
	}
}

// An undoDocument is what programs read: members are only ever added.
type undoDocument struct {
	Schema  string       `json:"schema"`
	Changes []undoChange `json:"changes"`
}

type undoChange struct {
	Run      string          `json:"run"`
	Time     time.Time       `json:"time"`
	Place    string          `json:"place"`
	Resource string          `json:"resource"`
	Action   plan.Action     `json:"action"`
	State    plan.RecordKind `json:"state"`
}

func newUndoDocument(all []plan.Past) undoDocument {
	d := undoDocument{"mcpwiz.undo/1", []undoChange{}}
	slices.SortStableFunc(all, func(a, b plan.Past) int { return a.Time.Compare(b.Time) })
	for _, one := range slices.Backward(all) {
		d.Changes = append(d.Changes, undoChange{one.Run, one.Time, one.Place, one.Change.Resource, one.Change.Action, one.State})
	}
	return d
}
