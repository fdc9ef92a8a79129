package keycloak

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// kcadm writes a script for Keycloak's own command line.
type kcadm struct {
	c     plan.Connection
	o     Options
	holes placeholders
}

// script makes each write one command. Ids of what is there are in it: it is for this Keycloak as the plan saw it.
func (k kcadm) script(writes []write) string {
	used, made := map[string]string{}, map[string]string{}
	var body strings.Builder
	of := ""
	for i, w := range writes {
		if w.of != of {
			of = w.of
			fmt.Fprintf(&body, "\n# %s\n", oneLine(of))
		}
		if w.made != "" && referred(writes[i+1:], w.made) {
			made[w.made] = fmt.Sprintf("made_%d", len(made)+1)
		}
		k.command(&body, w, made, used)
	}
	return k.head(used) + body.String()
}

func (k kcadm) head(used map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# What mcpwiz would change in realm %s, by kcadm.sh. Sign in first:\n", oneLine(k.c.Keycloak.Realm))
	who := "--user " + shellWord(k.o.User)
	if k.o.User == "" {
		who = "--client " + shellWord(k.o.ClientID)
	}
	signIn := fmt.Sprintf("kcadm.sh config credentials --server %s --realm %s %s", shellWord(k.o.AdminURL), shellWord(k.o.Realm), who)
	fmt.Fprintf(&b, "#   %s\nset -eu\nkcadm=${KCADM:-kcadm.sh}\n", oneLine(signIn))
	for _, name := range names(used) {
		fmt.Fprintf(&b, ": \"${%s:?%s}\"\n", name, strings.NewReplacer(`"`, "", "`", "", "$", "", `\`, "", "}", "").Replace(oneLine(used[name])))
	}
	return b.String()
}

// command is create, update or delete, below the realm where there is one.
func (k kcadm) command(to *strings.Builder, w write, made, used map[string]string) {
	verb := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodDelete: "delete"}[w.method]
	path, realm := append([]string{"realms"}, w.path...), ""
	if len(w.path) > 1 {
		path, realm = w.path[1:], " -r "+shellWord(w.path[0])
	}
	for i, part := range path {
		path[i] = shellWord(part)
		if name := made[part]; name != "" {
			path[i] = `"$` + name + `"`
		}
	}
	command := fmt.Sprintf(`"$kcadm" %s %s%s`, verb, strings.Join(path, "/"), realm)
	if w.method == http.MethodPut && w.body == nil {
		command += " -n -b '{}'"
	}
	if name := made[w.made]; name != "" {
		command = name + "=$(" + command + " -i"
	}
	if w.body != nil {
		command += " -f - <<JSON\n" + k.document(w.body, used) + "\nJSON"
	}
	if made[w.made] != "" {
		command += "\n)"
	}
	to.WriteString(command + "\n")
}

// document is JSON in which the shell puts in what is secret, and nothing else.
func (k kcadm) document(body map[string]any, used map[string]string) string {
	const open, end = "\ue000", "\ue001" // of private use: they stand in no text of Keycloak's
	marked := filled(k.holes.dig(body, used), func(h hole) any { return open + string(h) + end })
	text, err := json.MarshalIndent(marked, "", "  ")
	if err != nil {
		return "{}" // it came from JSON
	}
	escaped := strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`").Replace(string(text))
	return strings.NewReplacer(open, "${", end, "}").Replace(escaped)
}

// referred: a later write names it.
func referred(later []write, made string) bool {
	for _, w := range later {
		for _, part := range w.path {
			if part == made {
				return true
			}
		}
	}
	return false
}

// shellWord is a word for a shell.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@+%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// oneLine keeps a name from ending a comment.
func oneLine(s string) string { return strings.Join(strings.Fields(clip(s)), " ") }
