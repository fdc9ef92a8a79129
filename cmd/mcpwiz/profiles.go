package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
)

func (p *program) profiles() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "profiles",
		Short: "Say which clients are known, how they behave, and from where that is known",
		Long: `profiles lists the clients that doctor and emulate behave as. A profile is a file of JSON; those in $XDG_CONFIG_HOME/mcpwiz/profiles
(else ~/.config/mcpwiz/profiles) add to the ones built in, or stand in the place of one with the same id; so does one that
--profile names. Each fact says where and when it was seen, and what is not known is said to be unknown.`,
		Example: `  mcpwiz profiles
  mcpwiz profiles show claude-ai
  mcpwiz profiles show claude-ai --format json > mine.json   # change it, then: mcpwiz doctor URL --profile mine.json`,
		Args: noCommand,
		RunE: func(*cobra.Command, []string) error { return p.listProfiles(format) },
	}
	addFormat(c, &format, "text", "json")
	c.AddCommand(p.showProfile())
	return c
}

func (p *program) showProfile() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "show PROFILE",
		Short: "Say all that is known of one client, with source and date",
		Example: `  mcpwiz profiles show claude-ai
  mcpwiz profiles show claude-ai --format json`,
		Args: oneArg("profile"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return p.profileIDs(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return p.runShowProfile(args[0], format) },
	}
	addFormat(c, &format, "text", "json")
	return c
}

// A listedProfile is a line of the list.
type listedProfile struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Date   string `json:"date"`
	Hosted bool   `json:"hosted"`
	Grant  string `json:"grant"`
	From   string `json:"from"`
	Stale  bool   `json:"stale"`
}

func (p *program) listProfiles(format string) error {
	if err := oneOf("format", format, "text", "json"); err != nil {
		return err
	}
	s, err := p.shelf()
	if err != nil {
		return err
	}
	now := p.now()
	all := []listedProfile{}
	for _, one := range s.All() {
		all = append(all, listedProfile{one.ID, one.Title, one.Date, one.Hosted, one.Grant, s.From(one.ID), probe.Stale(one.Date, now)})
	}
	if format == "json" {
		return p.writeJSON(all)
	}
	return p.writeProfiles(all)
}

// writeProfiles writes a client on a line, or on two where the window is narrow.
func (p *program) writeProfiles(all []listedProfile) error {
	var ids, titles int
	for _, one := range all {
		ids, titles = max(ids, len(one.ID)), max(titles, ansi.StringWidth(one.Title))
	}
	wide := ids + titles + len("  machine  2026-01-01") + 4
	var b strings.Builder
	for _, one := range all {
		second := fmt.Sprintf("%-7s  %s", kindOf(one), one.Date)
		if one.Stale {
			second += fmt.Sprintf(" (%d days old)", probe.Days(one.Date, p.now()))
		}
		if w := p.width(); w > 0 && w < wide {
			fmt.Fprintf(&b, "%-*s  %s\n%*s  %s\n", ids, one.ID, ansi.Truncate(one.Title, max(w-ids-2, 8), "…"), ids, "", second)
		} else {
			fmt.Fprintf(&b, "%-*s  %s%*s  %s\n", ids, one.ID, one.Title, titles-ansi.StringWidth(one.Title), "", second)
		}
		if one.From != profiles.BuiltIn {
			fmt.Fprintf(&b, "%*s  %s\n", ids, "", one.From)
		}
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

// kindOf says from where a client connects.
func kindOf(one listedProfile) string {
	switch {
	case one.Grant == "client_credentials":
		return "machine"
	case one.Hosted:
		return "cloud"
	}
	return "local"
}

func (p *program) runShowProfile(id, format string) error {
	if err := oneOf("format", format, "text", "json"); err != nil {
		return err
	}
	one, err := p.profile(id)
	if err != nil {
		return err
	}
	if format == "json" {
		return p.writeJSON(one)
	}
	s, err := p.shelf()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(p.out, p.profileText(one, s.From(id)))
	return err
}

// profileText tells a profile knob by knob. Text breaks at spaces only, so that an address can be copied.
func (p *program) profileText(one *probe.Profile, from string) string {
	var b strings.Builder
	width := min(cmp.Or(p.width(), 100), 100)
	fmt.Fprintf(&b, "%s  %s\n", one.ID, one.Title)
	fmt.Fprintf(&b, "%s\n", wrapped(fmt.Sprintf("profile of %s, %s", one.Date, from), 2, width))
	now := p.now()
	if probe.Stale(one.Date, now) {
		fmt.Fprintf(&b, "  %d days old: the client may behave otherwise by now\n", probe.Days(one.Date, now))
	}
	group := ""
	for _, k := range profiles.Knobs(one) {
		if g, _, in := strings.Cut(k.Path, "."); in && g != group {
			group = g
			fmt.Fprintln(&b)
		}
		fmt.Fprintf(&b, "%s\n%s\n", wrapped(k.Path+": "+knobValue(k.Value), 2, width), wrapped(groundsOf(k), 6, width))
	}
	return b.String()
}

// groundsOf says on what a knob's value rests.
func groundsOf(k profiles.Knob) string {
	switch {
	case k.Unknown:
		return "unknown: what a careful client would do is taken"
	case strings.HasPrefix(k.Known.Source, k.Known.Grade):
		return k.Known.Seen + ", " + k.Known.Source
	}
	return k.Known.Seen + ", " + k.Known.Grade + ": " + k.Known.Source
}

// knobValue is a value as the profile's file has it; what is empty is told in a word.
func knobValue(v any) string {
	switch v := v.(type) {
	case string:
		return cmp.Or(v, "none")
	case *string:
		if v == nil {
			return "none"
		}
		return cmp.Or(*v, `""`)
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	}
	if r := reflect.ValueOf(v); (r.Kind() == reflect.Slice || r.Kind() == reflect.Map) && r.Len() == 0 {
		return "none"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
