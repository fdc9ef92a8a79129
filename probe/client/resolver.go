package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A Resolver is a name server that answers everybody. It is asked directly: neither /etc/hosts nor a search list has a say.
type Resolver struct {
	// Name is what findings call it, Addr where it listens.
	Name, Addr string
	// Dial is how it is reached; nil is the machine's own way.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// PublicResolvers are two that belong to different people.
func PublicResolvers() []Resolver {
	return []Resolver{{Name: "1.1.1.1", Addr: "1.1.1.1:53"}, {Name: "8.8.8.8", Addr: "8.8.8.8:53"}}
}

// askLimit is how long one question may take; a second one goes by TCP, for networks that let no UDP through.
const askLimit = 1500 * time.Millisecond

// records are what a name server says of a name.
type records struct {
	a, aaaa []string
	cname   string
	// notFound: there is no such name (RFC 1035 section 4.1.1, RCODE 3).
	notFound bool
}

// lookUp asks for a host's addresses of both families.
func (r Resolver) lookUp(ctx context.Context, host string) (records, error) {
	var all records
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		answer, err := r.ask(ctx, host, kind)
		switch {
		case err != nil:
			return all, fmt.Errorf("ask %s for %s: %w", r.Name, host, err)
		case answer.RCode == dnsmessage.RCodeNameError:
			all.notFound = true
			return all, nil
		case answer.RCode != dnsmessage.RCodeSuccess:
			return all, fmt.Errorf("ask %s for %s: it answers %s", r.Name, host, strings.TrimPrefix(answer.RCode.String(), "RCode"))
		}
		all.take(answer)
	}
	return all, nil
}

func (r *records) take(m dnsmessage.Message) {
	for _, found := range m.Answers {
		switch body := found.Body.(type) {
		case *dnsmessage.AResource:
			r.a = append(r.a, netip.AddrFrom4(body.A).String())
		case *dnsmessage.AAAAResource:
			r.aaaa = append(r.aaaa, netip.AddrFrom16(body.AAAA).String())
		case *dnsmessage.CNAMEResource: // the last of a chain is told
			r.cname = strings.TrimSuffix(body.CNAME.String(), ".")
		}
	}
}

// ask asks one question, by UDP and then by TCP: where nothing came, or not all of it (RFC 7766 section 5).
func (r Resolver) ask(ctx context.Context, host string, kind dnsmessage.Type) (dnsmessage.Message, error) {
	m, err := r.askBy(ctx, "udp", host, kind)
	if err == nil && !m.Truncated || ctx.Err() != nil {
		return m, err
	}
	return r.askBy(ctx, "tcp", host, kind)
}

func (r Resolver) askBy(ctx context.Context, network, host string, kind dnsmessage.Type) (dnsmessage.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	question, err := questionOf(host, kind)
	if err != nil {
		return dnsmessage.Message{}, err
	}
	dial := r.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, r.Addr)
	if err != nil {
		return dnsmessage.Message{}, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end) // a pipe of a test may have none
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return converse(conn, network == "tcp", question)
}

// questionOf makes a message with one question (RFC 1035 section 4).
func questionOf(host string, kind dnsmessage.Type) (dnsmessage.Message, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(host, ".") + ".")
	if err != nil {
		return dnsmessage.Message{}, fmt.Errorf("%q is no host name: %w", host, err)
	}
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return dnsmessage.Message{
		Header:    dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
	}, nil
}

// converse sends a question and returns the answer to it; what answers another question is passed over.
func converse(conn net.Conn, framed bool, question dnsmessage.Message) (dnsmessage.Message, error) {
	packed, err := question.Pack()
	if err != nil {
		return dnsmessage.Message{}, err
	}
	if framed {
		packed = append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)
	}
	if _, err := conn.Write(packed); err != nil {
		return dnsmessage.Message{}, err
	}
	for {
		raw, err := receive(conn, framed)
		if err != nil {
			return dnsmessage.Message{}, err
		}
		var m dnsmessage.Message
		if err := m.Unpack(raw); err != nil {
			return dnsmessage.Message{}, fmt.Errorf("no answer of a name server came: %w", err)
		}
		if m.Response && m.ID == question.ID {
			return m, nil
		}
		if framed {
			return dnsmessage.Message{}, errors.New("another question was answered")
		}
	}
}

func receive(conn net.Conn, framed bool) ([]byte, error) {
	if !framed {
		packet := make([]byte, 4096)
		n, err := conn.Read(packet)
		return packet[:n], err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, packet)
	return packet, err
}

// inward are the domains that mean something on one network alone (RFC 6761, 6762, 7686, 8375; common habit).
var inward = []string{".local", ".internal", ".localhost", ".test", ".example", ".invalid", ".onion", ".arpa", ".lan", ".home", ".corp", ".intranet", ".private"}

// everybodys reports whether a host's name may be told to public name servers: it is none of this network alone.
func everybodys(host string) bool {
	name := "." + strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.TrimPrefix(name, ".")); err == nil || strings.Count(name, ".") < 2 {
		return false
	}
	for _, domain := range inward {
		if strings.HasSuffix(name, domain) {
			return false
		}
	}
	return true
}
