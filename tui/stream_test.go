package tui

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

func TestNextEvents(t *testing.T) {
	t.Parallel()
	ch := make(chan probe.Event, 2*maxBatch)
	for i := range maxBatch + 3 {
		ch <- probe.StageStarted{Handshake: fmt.Sprint(i)}
	}
	close(ch)
	var all Events
	for _, want := range []int{maxBatch, 3} {
		m, ok := NextEvents(7, ch)().(EventsMsg)
		if !ok || m.ID != 7 || len(m.Events) != want {
			t.Fatalf("%d events, want %d", len(m.Events), want)
		}
		all = append(all, m.Events...)
	}
	for i, e := range all {
		if e != (probe.StageStarted{Handshake: fmt.Sprint(i)}) {
			t.Fatalf("event %d is %v", i, e)
		}
	}
	if m := NextEvents(7, ch)(); m != (EventsEnd{7}) {
		t.Errorf("ends with %v", m)
	}
}

// findings are n of them, told again and again, changing, over all stages.
func findings(n int) []probe.Event {
	all := make([]probe.Event, 0, n)
	outcomes := []probe.Outcome{probe.Passed, probe.Failed, probe.Warned}
	for i := range n {
		c := checks.All[i%len(checks.All)]
		all = append(all, probe.Found{Handshake: "h1", Finding: probe.Finding{
			Check: c.ID, Stage: c.Stage, Outcome: outcomes[i/len(checks.All)%3], Title: c.Title, Detail: "seen at https://mcp.example.com/mcp",
			Effect: "so", Remedy: "mend it with a setting by its exact name", Owner: probe.OwnerOrigin, Doc: probe.DocURL(c.ID),
		}})
	}
	return all
}

// A keyed notes when a key reaches the model.
type keyed struct {
	*App
	keys chan time.Time
}

func (k keyed) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := k.App.Update(msg)
	if _, ok := msg.(tea.KeyMsg); ok {
		k.keys <- time.Now()
	}
	return k, cmd
}

// Ten thousand findings a second do not make a key wait, nor the handshake.
func TestKeysDoNotWait(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second and a half")
	}
	const perSecond = 10_000
	told := make(chan time.Duration, 1)
	p := NewProbe(ProbeOptions{
		Target: "https://mcp.example.com/mcp", Checks: checks.All,
		Run: func(ctx context.Context, _ ProbeRun, sink probe.Sink) (probe.Summary, error) {
			for _, e := range story(t, "operators-story") {
				sink(e)
			}
			begin := time.Now()
			all := findings(perSecond)
			for i := 0; i < len(all); i += 100 {
				for _, e := range all[i : i+100] {
					sink(e)
				}
				time.Sleep(time.Until(begin.Add(time.Duration(i+100) * time.Second / perSecond)))
			}
			told <- time.Since(begin)
			<-ctx.Done()
			return probe.Summary{}, nil
		},
	})
	a := NewApp(NewTheme(looks["dark"]), []Page{p}, nil)
	in, typed := io.Pipe()
	k := keyed{a, make(chan time.Time, 1)}
	program := tea.NewProgram(k, tea.WithInput(in), tea.WithOutput(io.Discard), tea.WithoutSignalHandler())
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := program.Run(); err != nil {
			t.Errorf("the program ends with %v", err)
		}
	})
	program.Send(tea.WindowSizeMsg{Width: 80, Height: 24})
	var waits []time.Duration
	for range 40 {
		time.Sleep(20 * time.Millisecond)
		begin := time.Now()
		if _, err := io.WriteString(typed, "j"); err != nil {
			t.Fatal(err)
		}
		waits = append(waits, (<-k.keys).Sub(begin))
	}
	took := <-told
	program.Quit()
	running.Wait()
	a.Close()
	p.Result()
	slices.Sort(waits)
	median, worst := waits[len(waits)/2], waits[len(waits)-1]
	t.Logf("a key waits %s at the median and %s at worst; %d findings were taken in %s", median, worst, perSecond, took)
	if median > 50*time.Millisecond || worst > 500*time.Millisecond {
		t.Errorf("a key waits %s at the median, %s at worst", median, worst)
	}
	if took > 3*time.Second {
		t.Errorf("the handshake waits for the page: %d findings took %s", perSecond, took)
	}
}

func BenchmarkView(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		b.Run(fmt.Sprintf("%dx%d, nothing changed", size[0], size[1]), func(b *testing.B) {
			a, p := fed(b, looks["dark"], size[0], size[1], story(b, "operators-story"))
			end(a, p)
			b.ReportAllocs()
			for b.Loop() {
				_ = a.View()
			}
		})
		b.Run(fmt.Sprintf("%dx%d, all is new", size[0], size[1]), func(b *testing.B) {
			a, p := fed(b, looks["dark"], size[0], size[1], story(b, "operators-story"))
			end(a, p)
			b.ReportAllocs()
			for b.Loop() {
				p.redraw()
				_ = a.View()
			}
		})
	}
}

// BenchmarkFindings is an event from the channel to the screen, in batches.
func BenchmarkFindings(b *testing.B) {
	a, p := fed(b, looks["dark"], 80, 24, story(b, "operators-story"))
	all := findings(maxBatch)
	b.ReportAllocs()
	for b.Loop() {
		feed(a, p, all)
		_ = a.View()
	}
	b.ReportMetric(float64(b.N*maxBatch)/b.Elapsed().Seconds(), "findings/s")
}
