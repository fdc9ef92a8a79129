package wizard

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// askTopic asks everything that one page asks.
func (d *dialogue) askTopic(ctx context.Context, w *Walk, t topic) error {
	d.say("")
	d.say("%s", strings.ToUpper(t.name[:1])+t.name[1:])
	for at := 0; at < len(t.steps()); at++ {
		if err := d.askStep(ctx, w, t.steps()[at]); err != nil {
			return err
		}
	}
	return nil
}

// askStep asks until the answers are well formed and what is looked up allows to go on.
func (d *dialogue) askStep(ctx context.Context, w *Walk, s step) error {
	for {
		for _, q := range s.questions {
			if err := d.askWell(ctx, w, q); err != nil {
				return err
			}
		}
		good, err := d.lookUp(ctx, s)
		if err != nil {
			return err
		}
		if good {
			break
		}
	}
	if s.info != nil && s.info() != "" {
		d.say("Note: %s.", s.info())
	}
	if s.done != nil {
		s.done()
	}
	w.settle()
	return nil
}

func (d *dialogue) lookUp(ctx context.Context, s step) (good bool, err error) {
	if s.live == nil {
		return true, nil
	}
	l := s.live()
	d.say("%s ...", l.asking)
	v := l.run(ctx)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case v.Warn:
		d.say("Warning: %s", v.Note)
		return d.yes(ctx, "Go on with it?", true)
	case v.OK:
		d.say("Good: %s", v.Note)
		return true, nil
	}
	d.say("Wrong: %s", v.Note)
	return false, nil
}

// askWell asks one question until Validate has nothing to say.
func (d *dialogue) askWell(ctx context.Context, w *Walk, q question) error {
	for {
		if err := d.ask(ctx, q); err != nil {
			return err
		}
		text := w.problem(q)
		if text == "" {
			if q.follows != nil {
				q.follows()
			}
			return nil
		}
		d.say("Wrong: %s", text)
	}
}

func (d *dialogue) ask(ctx context.Context, q question) error {
	switch {
	case q.many != nil:
		return d.askMany(ctx, q)
	case len(q.options) > 0:
		return d.askOne(ctx, q)
	}
	return d.askText(ctx, q)
}

// none empties an answer that need not be given.
const none = "-"

func (d *dialogue) askText(ctx context.Context, q question) error {
	title := strings.TrimRight(q.title, "?")
	if q.about != "" && !q.secret {
		title += " (" + q.about + ")"
	}
	switch {
	case *q.text != "" && q.secret:
		title += " [Enter: the same as before]"
	case *q.text != "" && q.optional:
		title += " [" + *q.text + "; " + none + " for none]"
	case *q.text != "":
		title += " [" + *q.text + "]"
	case q.example != "":
		title += ", e.g. " + q.example
	}
	text, err := d.prompt(ctx, title, q.secret)
	switch {
	case err != nil:
		return err
	case text == none && q.optional:
		*q.text = ""
	case text != "":
		*q.text = text
	}
	return nil
}

func (d *dialogue) list(q question) {
	title := q.title
	if q.about != "" && q.many == nil { // how several are chosen on a page is none of a line's
		title += " (" + q.about + ")"
	}
	d.say("%s", title)
	for i, o := range q.options {
		d.say("  %d  %s", i+1, o.title)
	}
}

func (d *dialogue) askOne(ctx context.Context, q question) error {
	d.list(q)
	now := slices.IndexFunc(q.options, func(o option) bool { return o.value == *q.text })
	for {
		text, err := d.prompt(ctx, fmt.Sprintf("1 to %d [%d]", len(q.options), now+1), false)
		if err != nil {
			return err
		}
		if text == "" {
			return nil
		}
		if n, ok := q.numbered(text); ok {
			*q.text = q.options[n].value
			return nil
		}
		d.say("Wrong: %q is none of them.", text)
	}
}

func (d *dialogue) askMany(ctx context.Context, q question) error {
	d.list(q)
	var now []string
	for i, o := range q.options {
		if slices.Contains(*q.many, o.value) {
			now = append(now, strconv.Itoa(i+1))
		}
	}
	for {
		text, err := d.prompt(ctx, fmt.Sprintf("1 to %d, several with commas [%s]", len(q.options), strings.Join(now, ",")), false)
		if err != nil {
			return err
		}
		if text == "" {
			return nil
		}
		if all, wrong := q.several(text); wrong != "" {
			d.say("Wrong: %q is none of them.", wrong)
		} else {
			*q.many = all
			return nil
		}
	}
}

// numbered reads the number of an option, or its value.
func (q question) numbered(text string) (int, bool) {
	if n, err := strconv.Atoi(text); err == nil {
		return n - 1, n >= 1 && n <= len(q.options)
	}
	n := slices.IndexFunc(q.options, func(o option) bool { return o.value == text })
	return n, n >= 0
}

// several reads numbers of options with commas or spaces between; wrong is one that is none.
func (q question) several(text string) (all []string, wrong string) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, ok := q.numbered(word)
		if !ok {
			return nil, word
		}
		if v := q.options[n].value; !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all, ""
}
