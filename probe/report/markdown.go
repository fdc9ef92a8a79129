package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// WriteMarkdown writes reports for an issue or a chat: what is wrong in full, the rest in a line each, the exchanges folded.
// Nothing that a server sent is taken for Markdown, HTML or a mention.
func WriteMarkdown(w io.Writer, reports ...*Report) error {
	var b bytes.Buffer
	for i, r := range reports {
		if i > 0 {
			b.WriteString("\n---\n\n")
		}
		r.markdown(&b)
	}
	if len(reports) == 0 {
		b.WriteString("No handshake was made.\n")
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (r *Report) markdown(b *bytes.Buffer) {
	as := "a client that is not recognised"
	if r.Profile != nil {
		as = called(r.Profile)
	}
	fmt.Fprintf(b, "### %s: %s\n\n", code(r.Target), r.Summary.Status)
	fmt.Fprintf(b, "as %s, %s %s, judged by %s\n\n", escaped(as), escaped(string(r.Source)), r.Started.UTC().Format("2006-01-02 15:04 UTC"),
		escaped(r.Tool.Name+" "+r.Tool.Version))
	if r.Summary.First != nil {
		fmt.Fprintf(b, "**First to mend: %s** %s. ", code(*r.Summary.First), escaped(ownerOf(r.Findings, *r.Summary.First)))
	}
	var counts []string
	for _, c := range countsOf(r.Summary.Counts) {
		counts = append(counts, fmt.Sprintf("%d %s", c.N, c.Words))
	}
	fmt.Fprintf(b, "%s.\n\n", strings.Join(counts, ", "))
	r.stageTable(b)
	for _, f := range r.Findings {
		if wrong(f) {
			markdownFinding(b, f)
		}
	}
	r.markdownUnclear(b)
	r.markdownExchanges(b)
}

func (r *Report) stageTable(b *bytes.Buffer) {
	b.WriteString("| stage | |\n|---|---|\n")
	for _, s := range newDrawing(r, PageOptions{}, "").stages() {
		var parts []string
		for _, c := range s.Counts {
			parts = append(parts, fmt.Sprintf("%s %d", c.Mark, c.N))
		}
		what := strings.Join(parts, " &nbsp; ")
		if s.Why != "" {
			what = s.Mark + " " + escaped(s.Why)
		}
		fmt.Fprintf(b, "| %s | %s |\n", s.Name, what)
	}
	b.WriteByte('\n')
}

// markdownFinding writes what is not well in its five rows; what another explains is folded away.
func markdownFinding(b *bytes.Buffer, f probe.Finding) {
	fmt.Fprintf(b, "#### %s %s\n\n", signs[f.Outcome], escaped(f.Title))
	if f.Because != "" {
		fmt.Fprintf(b, "explained by %s\n\n<details><summary>what was seen</summary>\n\n", code(f.Because))
	}
	for _, row := range findingRows(f) {
		switch row[0] {
		case "why":
		case "more":
			fmt.Fprintf(b, "- *more* [%s](%s)\n", escaped(f.Check), link(f.Doc))
		default:
			fmt.Fprintf(b, "- *%s* %s\n", row[0], escaped(row[1]))
		}
	}
	b.WriteByte('\n')
	if f.Because != "" {
		b.WriteString("</details>\n\n")
	}
}

func (r *Report) markdownUnclear(b *bytes.Buffer) {
	told := false
	for _, f := range r.Findings {
		if f.Outcome != probe.Unclear {
			continue
		}
		if !told {
			b.WriteString("#### Cannot be decided from here\n\n")
		}
		told = true
		fmt.Fprintf(b, "- %s: %s\n", escaped(f.Title), escaped(f.Detail))
	}
	if told {
		b.WriteByte('\n')
	}
}

// roomForExchanges is how much of an issue the exchanges may take, in bytes: GitHub takes 65536 in all.
const roomForExchanges = 24 << 10

// markdownExchanges tells the exchanges that what is not well rests on as they were sent and received, while there is room,
// and the others in a line each.
func (r *Report) markdownExchanges(b *bytes.Buffer) {
	if len(r.Exchanges) == 0 {
		return
	}
	cited := map[int]bool{}
	for _, f := range r.Findings {
		for _, n := range f.Exchanges {
			cited[n] = cited[n] || wrong(f) || f.Outcome == probe.Unclear
		}
	}
	fmt.Fprintf(b, "<details><summary>%d exchanges, secrets struck out</summary>\n", len(r.Exchanges))
	room := roomForExchanges
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		title := fmt.Sprintf("\n%d\\. %s %s", x.N, code(x.Request.Method+" "+withoutQuery(x)), escaped(strings.TrimSpace(asked(x)+" "+came(x))))
		if x.Probe != "" {
			title += ", asked to probe: " + escaped(x.Probe)
		}
		text := title + "\n"
		if whole := text + "\n" + fenced(sentLines(x), gotLines(x)); cited[x.N] && len(whole) <= room {
			text = whole
		}
		if room -= len(text); room < 0 {
			fmt.Fprintf(b, "\nand %d more: `mcpwiz doctor --bundle FILE.zip` keeps them all\n", len(r.Exchanges)-i)
			break
		}
		b.WriteString(text)
	}
	b.WriteString("\n</details>\n")
}

func withoutQuery(x *probe.Exchange) string {
	u, _, _ := strings.Cut(x.Request.URL, "?")
	return u
}

// fenced puts lines into a block that no line of theirs can end.
func fenced(sent, got []string) string {
	var b strings.Builder
	for _, line := range sent {
		b.WriteString(strings.TrimRight("> "+line, " ") + "\n")
	}
	for _, line := range got {
		b.WriteString(strings.TrimRight("< "+line, " ") + "\n")
	}
	fence := strings.Repeat("`", max(3, longestRun(b.String())+1))
	return fence + "http\n" + b.String() + fence + "\n"
}

// code is text as it stands: in as many backticks as it takes (CommonMark 6.1), so that nothing in it is markup.
func code(text string) string {
	text = strings.Join(strings.Fields(plain(text)), " ")
	ticks := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || text == "" {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// markup is what Markdown or HTML would act on. A mention is broken by a word joiner (U+2060), which has no width: the entity
// alone is read as the letter.
var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `|`, `\|`, `~`, `\~`, `#`, `\#`, `!`, `\!`,
	`&`, `&amp;`, `<`, `&lt;`, `>`, `&gt;`, `@`, "&#64;\u2060", `$`, `\$`,
)

func escaped(text string) string {
	return markup.Replace(strings.Join(strings.Fields(plain(text)), " "))
}

// link is a URL as it may stand in parentheses.
func link(url string) string {
	return strings.NewReplacer(" ", "%20", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "\n", "").Replace(plain(url))
}
