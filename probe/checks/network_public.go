package checks

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// byPublic reports whether a public name server told a fact: its source is that server's address.
func byPublic(f probe.Fact) bool { return net.ParseIP(f.Source) != nil }

// publicly returns what public name servers answered of a host, those that could not be asked left out.
func publicly(t *probe.Trace, host string) (answered []probe.Fact, asked bool) {
	for _, f := range lastOf(filtered(t.FactsOf("dns"), byPublic), "host", "") {
		if text(f.Data["host"]) != host {
			continue
		}
		asked = true
		if missing, _ := f.Data["not_found"].(bool); missing || text(f.Data["error"]) == "" {
			answered = append(answered, f)
		}
	}
	return answered, asked
}

// addresses are all that a fact tells of a name, IPv4 first.
func addresses(facts ...probe.Fact) []string {
	var four, six []string
	for _, f := range facts {
		four, six = append(four, texts(f.Data["a"])...), append(six, texts(f.Data["aaaa"])...)
	}
	return unique(slices.Concat(four, six))
}

func unique(all []string) []string {
	var once []string
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

func filtered(all []probe.Fact, keep func(probe.Fact) bool) []probe.Fact {
	return slices.DeleteFunc(slices.Clone(all), func(f probe.Fact) bool { return !keep(f) })
}

// sources are who told facts.
func sources(facts []probe.Fact) []string {
	var all []string
	for _, f := range facts {
		all = append(all, f.Source)
	}
	return unique(all)
}

// seenFromOutside are for each host what public name servers answered, else what this machine's own did.
func seenFromOutside(t *probe.Trace) [][]probe.Fact {
	var all [][]probe.Fact
	for _, f := range lookups(t) {
		if known, _ := publicly(t, text(f.Data["host"])); len(known) > 0 {
			all = append(all, known)
			continue
		}
		all = append(all, []probe.Fact{f})
	}
	return all
}

func addressPublic(t *probe.Trace) probe.Verdict {
	switch {
	case t.Rehearsal():
		return probe.Skip(rehearsal)
	case !t.Profile.Hosted:
		return notHosted(t)
	}
	var all []string
	var on []probe.Fact
	for _, facts := range seenFromOutside(t) {
		found := addresses(facts...)
		if len(found) == 0 {
			continue
		}
		if v, bad := unreachable(t, facts, found); bad {
			return v
		}
		all, on = append(all, found...), append(on, facts...)
	}
	if len(all) == 0 {
		return probe.Unknown("no address is known")
	}
	return probe.Pass("%s", list(unique(all))).OnFact(on...)
}

// unreachable is the verdict on a host that a client in its vendor's cloud refuses for its addresses.
func unreachable(t *probe.Trace, facts []probe.Fact, found []string) (probe.Verdict, bool) {
	name, private := text(facts[0].Data["host"]), slices.DeleteFunc(slices.Clone(found), public)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).OnFact(facts...).So("%s refuses the name without sending a request", clientName(t))
	}
	switch {
	case tunnelAlias(facts) != "":
		return v("%s is an alias of %s, which has no public address", name, tunnelAlias(facts)).
			Mend("switch the proxy on for this DNS record (the orange cloud, \"proxied\": true): a tunnel is reached through Cloudflare alone"), true
	case len(private) > 0:
		return v("%s resolves to %s, which is not public", name, list(private)).
			Mend("publish only public addresses for %s; where your own name server answers differently than the public ones, compare: dig +short A %s @1.1.1.1", name, name), true
	case !slices.ContainsFunc(found, four):
		return v("%s has only AAAA records: %s", name, list(found)).
			Mend("add an A record for %s: the client speaks IPv4 alone (a tunnel or a proxied record has both)", name), true
	}
	return probe.Verdict{}, false
}

// tunnelAlias is the name of a tunnel that a host is openly an alias of, "" for none: a proxied record does not show it.
func tunnelAlias(facts []probe.Fact) string {
	for _, f := range facts {
		if alias := text(f.Data["cname"]); strings.HasSuffix(strings.ToLower(alias), ".cfargotunnel.com") {
			return alias
		}
	}
	return ""
}

func four(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && a.Unmap().Is4()
}

// nobodys are address blocks that are routed nowhere (RFC 6890), of those that netip does not know.
var nobodys = []netip.Prefix{
	shared, netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
}

// public reports whether an address can be reached from everywhere; what is no address is left to others to judge.
func public(address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return true
	}
	a = a.Unmap().WithZone("")
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(nobodys, func(p netip.Prefix) bool { return p.Contains(a) })
}

// namesAgree holds this machine's name service to that of everybody else: what was asked from here is otherwise another
// server than the one that clients meet.
func namesAgree(t *probe.Trace) probe.Verdict {
	switch {
	case t.Rehearsal():
		return probe.Skip(rehearsal)
	case !t.Profile.Hosted:
		return notHosted(t)
	}
	var agreed []string
	var on []probe.Fact
	silent := false
	for _, f := range lookups(t) {
		name := text(f.Data["host"])
		known, asked := publicly(t, name)
		if len(known) == 0 {
			silent = silent || asked
			continue
		}
		if v, differ := differently(t, f, known); differ {
			return v
		}
		agreed, on = append(agreed, name), append(append(on, f), known...)
	}
	switch {
	case len(agreed) > 0:
		return probe.Pass("%s, asked of this machine and of %s", list(agreed), list(sources(filtered(on, byPublic)))).OnFact(on...)
	case silent:
		return probe.Unknown("the public name servers could not be asked from here")
	}
	return probe.Skip("no public name server was asked")
}

// differently compares what this machine learnt of a host with what public name servers answered. Other addresses of the
// same kind are no difference: many names have other ones at each place.
func differently(t *probe.Trace, f probe.Fact, known []probe.Fact) (probe.Verdict, bool) {
	name, here, there := text(f.Data["host"]), addresses(f), addresses(known...)
	v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
		return judged(format, args...).OnFact(f).OnFact(known...).Who(probe.OwnerNetwork)
	}
	nobody := filtered(known, func(f probe.Fact) bool { return len(addresses(f)) == 0 })
	inside := slices.DeleteFunc(slices.Clone(here), public)
	switch {
	case len(here) == 0 && len(there) == 0:
		return probe.Verdict{}, false // judged by what resolves
	case len(there) == 0:
		return v(probe.Fail, "%s is %s here, and nothing at all for %s", name, list(here), list(sources(known))).
			So("%s does not find the name: it is known on this network alone", clientName(t)).
			Mend("make a public A record for %s; for a tunnel: cloudflared tunnel route dns <tunnel> %s", name, name), true
	case len(here) > 0 && len(nobody) > 0:
		return v(probe.Warn, "%s is not known to %s, and is %s for the others", name, list(sources(nobody)), list(there)).
			So("some clients find the name and some do not").
			Mend("wait until the old answer has run out if the record is new, else compare the zone's name servers and its DNSSEC: dig +trace %s", name), true
	case len(inside) > 0 && !slices.ContainsFunc(there, func(a string) bool { return !public(a) }):
		return v(probe.Warn, "%s is %s here and %s for %s", name, list(here), list(there), list(sources(known))).
			So("what was asked from here is not the server that %s meets", clientName(t)).
			Mend("ask from outside too (another network, a phone's hotspot), or let this network's name server give the public address of %s", name), true
	}
	return probe.Verdict{}, false
}
