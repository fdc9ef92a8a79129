package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

// pageOf is the page of whole captures and of a server that sends what a page must not act on.
func pageOf(t *testing.T, wholes ...string) []byte {
	t.Helper()
	c := NewCollector(checks.All)
	for _, name := range wholes {
		data, err := os.ReadFile(filepath.Join("../checks/testdata/whole", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(bytes.NewReader(data), ReadOptions{Checks: checks.All, Tool: us}, c.Sink); err != nil {
			t.Fatal(err)
		}
	}
	markupStory().run(c.Sink)
	hostileStory().run(c.Sink)
	var b bytes.Buffer
	if err := WriteHTML(&b, PageOptions{Answered: checks.Answered}, c.Reports()...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// markupStory is a server that sends markup in everything it can.
func markupStory() story {
	const markup = `</pre></style><script>document.title="taken over"</script><img src=x onerror=alert(1)>" style="display:none"`
	return story{id: "markup", target: mcp, source: probe.Provoked, profile: claude, expect: []probe.Evidence{probe.Unauthenticated},
		checks: []*probe.Check{shelved("challenge.markup", "nothing sent is markup here", probe.Must, probe.Connection, func(t *probe.Trace) probe.Verdict {
			return probe.Fail("%s", markup).On(t.Exchanges[0]).So("%s", markup).Mend("%s", strings.Repeat("long", 300)).By(markup)
		})},
		tell: func(s *probe.Session) {
			x := sent(1, "POST", mcp+"/"+strings.Repeat("a-very-long-path/", 30)+markup, 200, map[string]any{markup: markup})
			x.Response.Header.Set("X-Markup", markup+strings.Repeat("x", 2000))
			s.Add(x)
		}}
}

var wholes = []string{"operators-story.jsonl", "edge-challenges.jsonl", "healthy.jsonl"}

// A page takes nothing that a server sent for its own, and needs nothing but itself.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	page := string(pageOf(t, wholes...))
	for _, never := range []string{"<script", "<img", "<link", "<iframe", "onerror=alert(1)>", "@import", "url("} {
		if at := strings.Index(strings.ToLower(page), never); at >= 0 {
			t.Errorf("the page has %q: %.120q", never, page[at:])
		}
	}
	if at := strings.IndexFunc(strings.ReplaceAll(page, "\n", " "), acts); at >= 0 {
		t.Errorf("on the page raw: %.80q", page[at:])
	}
	for _, want := range []string{"<!doctype html>", `lang="en"`, "First to mend", "prefers-color-scheme: dark", "not reached: needs server-metadata",
		"explained by", "&lt;script&gt;", "mcpwiz/blob/main/docs/checks/server-metadata.authorization-endpoint.md", "default-src &#39;none&#39;"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestPageOfNoHandshake(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteHTML(&b, PageOptions{}); err != nil || !strings.Contains(b.String(), "No handshake was made.") {
		t.Errorf("%v, %s", err, b.String())
	}
}

// look asks a browser what a reader of the page would see: each fault is a sentence.
const look = `(() => {
  const faults = [], say = (what, e) => faults.push(what + ": " + (e ? (e.id || e.className) + " " + (e.textContent || "").trim().slice(0, 60) : ""));
  const box = e => e.getBoundingClientRect(), all = (q, e) => [...(e || document).querySelectorAll(q)];
  if (document.documentElement.scrollWidth > innerWidth) {
    say("the page is wider than the window by " + (document.documentElement.scrollWidth - innerWidth));
    for (const e of all("body *")) if (box(e).right > innerWidth + 1 && e.checkVisibility()) say("it is wide because of", e);
  }
  for (const d of all(".diagram")) {
    const lanes = all(".names b", d).map(e => box(e).left + box(e).width / 2);
    const near = x => lanes.some(l => Math.abs(l - x) < 2);
    if (lanes.length < 2) say("a diagram has fewer than two lanes", d);
    for (const row of all(".row", d)) {
      const arrows = all(".arrow", row);
      if (arrows.length != 2) say("a row has no two arrows", row);
      for (const a of arrows) {
        const b = box(a);
        if (b.width < 20) say("an arrow is too short", row);
        if (!near(b.left) || !near(b.right)) say("an arrow does not go from lane to lane", row);
        if (b.top < box(row).top || b.bottom > box(row).bottom) say("an arrow is outside its row", row);
      }
      if (box(all(".ex", row)[0]).bottom > box(arrows[0]).top + 1) say("a line covers its arrow", row);
      const side = all(".notes", row)[0];
      for (const f of side.children) {
        const b = box(f), w = box(all(".wire", row)[0]);
        const beside = innerWidth > 900 ? b.left >= w.right - 1 && b.top < w.bottom : b.top >= w.bottom - 1;
        if (!beside) say("a finding is not beside its arrow", f);
        if (b.right > innerWidth) say("a finding leaves the window", f);
      }
    }
  }
  const luminance = c => { const [r, g, b] = c.match(/[\d.]+/g).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$|transparent/.test(c)) return c; } return getComputedStyle(document.body).backgroundColor; };
  let read = 0;
  for (const e of all("body *")) {
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    read++;
    const style = getComputedStyle(e), a = luminance(style.color), b = luminance(behind(e));
    if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) say("too little contrast, " + style.color + " on " + behind(e), e);
    if (parseFloat(style.fontSize) < 11) say("too small", e);
    if (e.tagName != "PRE" && style.overflowX == "hidden" && e.scrollWidth > e.clientWidth + 1) say("cut off", e);
  }
  if (read < 100) say("hardly anything can be read: " + read);
  for (const a of all('a[href^="#"]')) if (!document.getElementById(decodeURIComponent(a.getAttribute("href").slice(1)))) say("a link leads nowhere: " + a.getAttribute("href"), a);
  const ids = all("[id]").map(e => e.id);
  for (const id of new Set(ids)) if (ids.filter(i => i == id).length > 1) say("an id is there twice: " + id);
  const ex = all(".ex")[0], sent = all("pre", ex)[0];
  if (sent.checkVisibility()) say("an exchange is open before it is asked for", ex);
  all("summary", ex)[0].click();
  if (!sent.checkVisibility() || box(sent).height < 20) say("an exchange does not open", ex);
  if (document.title == "taken over") say("a script of the server's ran");
  const first = all(".first")[0];
  if (!first || box(first).top > 500) say("what to mend first is not to be seen at once");
  return {faults, dark: luminance(getComputedStyle(document.body).backgroundColor) < .2};
})()`

// A browser looks at the page as a reader does: on a desk and on a telephone, light and dark, without script.
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	page := pageOf(t, wholes...)
	for _, width := range []int{1440, 1024, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.open(page, width, scheme)
			var seen struct {
				Faults []string
				Dark   bool
			}
			b.eval(&seen, look)
			for _, fault := range seen.Faults {
				t.Errorf("%d wide, %s: %s", width, scheme, fault)
			}
			if seen.Dark != (scheme == "dark") {
				t.Errorf("%d wide: on a %s screen dark is %v", width, scheme, seen.Dark)
			}
			if all := append(b.fetched(), b.complaints()...); len(all) > 0 {
				t.Errorf("the page asks for, or the browser says: %s", all)
			}
		}
	}
}
