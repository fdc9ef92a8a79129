package record

import (
	_ "embed"
	"net"
	"net/netip"
	"strings"
)

//go:embed ranges.txt
var rangesText string

var ranges = readRanges(rangesText)

func readRanges(text string) []netip.Prefix {
	var all []netip.Prefix
	for line := range strings.Lines(text) {
		first, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if p, err := netip.ParsePrefix(first); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// place is the range of addresses that one client may send from: a published range as one, else a /24 or a /48.
func place(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range ranges {
		if p.Contains(addr) {
			return p.String()
		}
	}
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	if addr.IsLoopback() {
		return "loopback"
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}
