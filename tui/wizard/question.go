package wizard

import (
	"context"
	"strings"
)

// A question asks for one answer. It is asked in a form and in plain lines alike.
type question struct {
	// name is what the answer is called in a note: "public URL".
	name string
	// title is what is asked, about says more, example is what an answer looks like.
	title, about, example string
	// flag and key are how else the answer can be given; flag may name an environment variable.
	flag, key string
	// wrong are the keys by which Validate tells what is wrong with the answer.
	wrong []string
	// text is the answer: one that is typed, or, with options, the value of the one chosen.
	text    *string
	options []option
	// many are the values of the options chosen, where it may be several.
	many *[]string
	// secret is not shown; optional may be empty.
	secret, optional bool
	// follows sets what follows from the answer, for the questions after it.
	follows func()
}

type option struct{ value, title string }

// A step is what is asked at once: one form, three questions at most.
type step struct {
	questions []question
	// live is what is looked up while the answers are typed; nil where nothing can be looked up yet.
	live func() *lookup
	// info is told when there is nothing else to tell.
	info func() string
	// done settles what the answers mean for what comes.
	done func()
}

// A lookup asks the world about answers.
type lookup struct {
	// of is what it asks about: as long as it is the same, so is the verdict.
	of [4]string
	// asking says what is waited for.
	asking string
	// atEnter asks only when the user says that the answer is whole: half a password is a wrong one, and counts as an attempt.
	atEnter bool
	// first: a refusal is of the first answer alone, and the focus stays there or goes back to it.
	first bool
	run   func(context.Context) Verdict
}

// problem returns what is wrong with the answer to a question, in a sentence.
func (w *Walk) problem(q question) string {
	text := w.draft.answers().problem(q.wrong...)
	if text == "" {
		return ""
	}
	return q.name + ": " + text
}

// firstProblem returns the first question of a step that is not answered well; -1 when all are.
func (w *Walk) firstProblem(s step) (at int, text string) {
	for i, q := range s.questions {
		if text := w.problem(q); text != "" {
			return i, text
		}
	}
	return -1, ""
}

// A topic is what one page asks, in steps. Which steps there are follows from the answers.
type topic struct {
	name, help string
	steps      func() []step
}

// helpText names for every question how else it is answered.
func (t topic) helpText() string {
	var b strings.Builder
	b.WriteString(t.help + "\n")
	for _, s := range t.steps() {
		for _, q := range s.questions {
			b.WriteString("\n" + q.name + ": " + q.flag)
			if q.key != "" {
				b.WriteString(", or " + q.key + " in mcpwiz.yaml")
			}
		}
	}
	return b.String()
}
