package lab

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolver asks the network's own name server; what is no name of the network is no name at all.
func (n *Network) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go n.answerNames(there)
		return here, nil
	}}
}

// answerNames answers one question after the other, as over TCP (RFC 1035 section 4.2.2).
func (n *Network) answerNames(c net.Conn) {
	defer c.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		answer, err := n.answerName(question)
		if err != nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *Network) answerName(question []byte) ([]byte, error) {
	var asked dnsmessage.Parser
	head, err := asked.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := asked.Question()
	if err != nil {
		return nil, err
	}
	name := n.Names[strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))]
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	if name == nil || len(name.A)+len(name.AAAA) == 0 {
		answer.RCode = dnsmessage.RCodeNameError
		return answer.Pack()
	}
	owner := q.Name
	if name.CNAME != "" {
		owner = dnsmessage.MustNewName(name.CNAME + ".")
		answer.Answers = append(answer.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.CNAMEResource{CNAME: owner}})
	}
	head4 := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 60}
	switch q.Type {
	case dnsmessage.TypeA:
		for _, a := range name.A {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head4, Body: &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()}})
		}
	case dnsmessage.TypeAAAA:
		for _, a := range name.AAAA {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head4, Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(a).As16()}})
		}
	}
	return answer.Pack()
}
