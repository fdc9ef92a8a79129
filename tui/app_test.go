package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// A leaf is a page that shows its name and remembers what it was told.
type leaf struct {
	name    string
	typing  bool
	theme   *Theme
	ctx     context.Context
	entered int
	got     []tea.Msg
	answer  tea.Cmd
}

func (l *leaf) Name() string { return l.name }
func (l *leaf) Enter(ctx context.Context, t *Theme) tea.Cmd {
	l.ctx, l.theme = ctx, t
	l.entered++
	return nil
}
func (l *leaf) Update(m tea.Msg) tea.Cmd { l.got = append(l.got, m); return l.answer }
func (l *leaf) View(width, height int) string {
	return " this is " + l.name + strings.Repeat("\n one line more than there is room for", height)
}
func (l *leaf) Keys() []Key  { return []Key{KeyEnter.Doing("next"), KeyEsc.Doing("back")} }
func (l *leaf) Help() string { return "What it is for.\nThe flag is --" + l.name + "." }
func (l *leaf) Typing() bool { return l.typing }

func leaves(width, height int) (*App, []*leaf) {
	all := []*leaf{{name: "start"}, {name: "server"}, {name: "keycloak"}, {name: "clients"}, {name: "plan"}}
	var pages []Page
	for _, l := range all {
		pages = append(pages, l)
	}
	a := NewApp(NewTheme(looks["dark"]), pages, func() string { return "Answers are kept." })
	a.Init()
	a.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return a, all
}

func TestAppGoes(t *testing.T) {
	t.Parallel()
	a, all := leaves(80, 24)
	do := func(msg tea.Msg) {
		t.Helper()
		all[a.at].answer = Go(msg)
		_, cmd := a.Update(keyMsg("enter"))
		a.Update(cmd())
	}
	for _, c := range []struct {
		msg  tea.Msg
		want string
	}{
		{Back{}, "start"}, {Next{}, "server"}, {Next{}, "keycloak"}, {Back{}, "server"}, {Goto{"plan"}, "plan"}, {Next{}, "plan"},
		{Goto{"nowhere"}, "plan"}, {Goto{"start"}, "start"},
	} {
		was := all[a.at]
		do(c.msg)
		if a.At().Name() != c.want {
			t.Fatalf("%T%v leads to %s, want %s", c.msg, c.msg, a.At().Name(), c.want)
		}
		if now := all[a.at]; was != now && (was.ctx.Err() == nil || now.ctx.Err() != nil) {
			t.Errorf("%T: left %v, entered %v", c.msg, was.ctx.Err(), now.ctx.Err())
		}
	}
	do(Leave{errors.New("a reason")})
	if !a.done || a.Err() == nil || all[0].ctx.Err() == nil {
		t.Errorf("left: %t, %v", a.done, a.Err())
	}
}

// Of two Enters in a row the second is for a page that is gone when it is heard: no page is skipped.
func TestAppSkipsNoPage(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]tea.Cmd{
		"alone": Go(Next{}), "in a batch": tea.Batch(Go(Next{}), Go(Restyled{})), "in a sequence": tea.Sequence(Go(Restyled{}), Go(Next{})),
	} {
		a, all := leaves(80, 24)
		all[0].answer = answer
		first, second := press(a, "enter"), press(a, "enter")
		for _, cmd := range []tea.Cmd{first, second} {
			for _, msg := range allOf(cmd()) {
				a.Update(msg)
			}
		}
		if a.At().Name() != "server" {
			t.Errorf("%s: at %s", name, a.At().Name())
		}
	}
}

// allOf does what bubbletea does with a batch and a sequence.
func allOf(msg tea.Msg) []tea.Msg {
	var all []tea.Msg
	if cmds, ok := cmdsOf(msg); ok {
		for _, cmd := range cmds {
			all = append(all, allOf(cmd())...)
		}
		return all
	}
	return []tea.Msg{msg}
}

func TestAppAsksOnce(t *testing.T) {
	t.Parallel()
	a, all := leaves(80, 24)
	press(a, "ctrl+c")
	if foot := last(a.View()); !strings.Contains(foot, "! Leave? Answers are kept. y leave · any other key stays") {
		t.Errorf("asks %q", foot)
	}
	press(a, "x")
	if foot := last(a.View()); strings.Contains(foot, "Leave?") || len(all[0].got) != 1 {
		t.Errorf("stays with %q, and the page got %v", foot, all[0].got)
	}
	for _, again := range []string{"y", "ctrl+c"} {
		b, _ := leaves(80, 24)
		if cmd := press(b, "ctrl+c", again); cmd == nil || !errors.Is(b.Err(), ErrLeft) || b.View() != "" {
			t.Errorf("%s: %v", again, b.Err())
		}
	}
	if small, _ := leaves(40, 15); true {
		press(small, "ctrl+c")
		if foot := last(small.View()); foot != " ! Leave? y leave · any other key stays" {
			t.Errorf("asks %q", foot)
		}
	}
}

func last(view string) string {
	lines := strings.Split(plainText(view), "\n")
	return lines[len(lines)-1]
}

func TestAppHelp(t *testing.T) {
	t.Parallel()
	a, all := leaves(80, 24)
	press(a, "?")
	if text := plainText(a.View()); !strings.Contains(text, "--start") || !strings.Contains(text, "ctrl+c") {
		t.Errorf("? shows:\n%s", text)
	}
	press(a, "esc")
	all[0].typing = true
	press(a, "?", "t")
	if a.help != nil || a.t.Dark != true || len(all[0].got) != 3 {
		t.Errorf("letters are not the page's while it is typed: %v", all[0].got)
	}
	press(a, "f1")
	if a.help == nil {
		t.Error("f1 shows nothing while it is typed")
	}
	press(a, "f1")
	if a.help != nil || !strings.Contains(last(a.View()), "f1 help") {
		t.Errorf("the footer is %q", last(a.View()))
	}
}

// t turns light to dark in the theme that pages have, and tells them.
func TestAppTurns(t *testing.T) {
	t.Parallel()
	a, all := leaves(80, 24)
	before := a.View()
	press(a, "t")
	if _, ok := all[0].got[len(all[0].got)-1].(Restyled); !ok || all[0].theme.Dark || a.View() == before {
		t.Error("nothing is turned")
	}
	press(a, "t")
	if a.View() != before {
		t.Error("it does not turn back")
	}
}

func TestAppHeads(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {72, 24}, {40, 15}, {40, 14}, {30, 8}, {200, 60}} {
		a, all := leaves(size[0], size[1])
		all[0].answer = Go(Next{})
		a.Update(press(a, "enter")())
		view := a.View()
		fits(t, view, size[0], size[1])
		if n := strings.Count(view, "\n") + 1; n != size[1] {
			t.Errorf("%v: %d lines", size, n)
		}
		area := all[1].got[len(all[1].got)-1]
		if area != a.area() {
			t.Errorf("%v: the page knows %v, want %v", size, area, a.area())
		}
		text := plainText(view)
		want := map[bool]string{true: " ✓ start  ▌server  keycloak  clients  plan", false: " server"}[size[0] >= narrow]
		if size[1] < low {
			want = " this is server"
		}
		if first, _, _ := strings.Cut(text, "\n"); !strings.HasPrefix(first, want) {
			t.Errorf("%v: begins with %q, want %q", size, first, want)
		}
		if !strings.HasSuffix(last(view), "? keys") {
			t.Errorf("%v: ends with %q", size, last(view))
		}
	}
}

// What the user pastes is no key.
func TestPasteIsNoKey(t *testing.T) {
	t.Parallel()
	a, all := leaves(80, 24)
	for _, text := range []string{"?", "t", "y"} {
		a.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
	}
	if a.help != nil || !a.t.Dark || len(all[0].got) != 4 {
		t.Errorf("taken for keys: %v", all[0].got)
	}
}
