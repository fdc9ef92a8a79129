package tui

import tea "github.com/charmbracelet/bubbletea"

// move moves by resource, opens and scrolls.
func (p *PlanPage) move(m tea.KeyMsg) {
	page := max(p.room()-1, 1)
	switch {
	case KeyUp.Is(m):
		p.step(-1)
	case KeyDown.Is(m):
		p.step(1)
	case KeyPgUp.Is(m):
		p.scroll(-page)
	case KeyPgDown.Is(m):
		p.scroll(page)
	case KeyHome.Is(m):
		p.cursor = 0
		p.reveal()
	case KeyEnd.Is(m):
		p.cursor = max(len(p.plan.Changes)-1, 0)
		p.reveal()
	case KeySpace.Is(m):
		p.fold(!p.isOpen(p.cursor))
	case KeyLeft.Is(m):
		p.fold(false)
	case KeyRight.Is(m):
		p.fold(true)
	case keyAll.Is(m):
		p.foldAll()
	case keyWrap.Is(m):
		p.wrapped, p.lines = !p.wrapped, nil
		p.reveal()
	}
}

func (p *PlanPage) isOpen(i int) bool {
	return i < len(p.plan.Changes) && p.open[p.plan.Changes[i].Resource] && len(diffOf(p.plan.Changes[i])) > 0
}

func (p *PlanPage) fold(open bool) {
	if p.cursor >= len(p.plan.Changes) {
		return
	}
	p.open[p.plan.Changes[p.cursor].Resource], p.lines = open, nil
	p.reveal()
}

// foldAll opens all, or closes all where all are open.
func (p *PlanPage) foldAll() {
	open := false
	for i, c := range p.plan.Changes {
		open = open || !p.isOpen(i) && len(diffOf(c)) > 0
	}
	for _, c := range p.plan.Changes {
		p.open[c.Resource] = open
	}
	p.lines = nil
	p.reveal()
}

// step goes to the neighbour. A resource that is longer than the page is scrolled through first.
func (p *PlanPage) step(by int) {
	first, last := p.extent(p.cursor)
	switch {
	case by > 0 && last-first >= p.room() && last >= p.top+p.room():
		p.scroll(1)
	case by < 0 && first < p.top && last-first >= p.room():
		p.scroll(-1)
	default:
		p.cursor = min(max(p.cursor+by, 0), max(len(p.plan.Changes)-1, 0))
		p.reveal()
	}
}

func (p *PlanPage) scroll(by int) {
	p.top = min(max(p.top+by, 0), max(len(p.drawn())-p.room(), 0))
}

// extent is the first and the last line of a resource.
func (p *PlanPage) extent(i int) (first, last int) {
	first = -1
	for n, l := range p.drawn() {
		if l.change != i {
			continue
		}
		if first < 0 {
			first = n
		}
		last = n
	}
	return max(first, 0), last
}

// reveal scrolls so that the resource at hand is in sight, with its last line where there is room for all of it.
func (p *PlanPage) reveal() {
	if p.width == 0 || p.state != planLooked {
		return
	}
	first, last := p.extent(p.cursor)
	if last >= p.top+p.room() {
		p.top = last - p.room() + 1
	}
	p.top = min(p.top, first)
	p.scroll(0)
}
