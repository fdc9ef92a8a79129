package client

import (
	"context"
	"errors"
	"net"
	"reflect"
	"testing"
)

// everybodysNames is a public name server that lets no UDP through.
func everybodysNames(t *testing.T) Resolver {
	t.Helper()
	return Resolver{Name: "192.0.2.53", Addr: "192.0.2.53:53", Dial: func(_ context.Context, network, _ string) (net.Conn, error) {
		if network == "udp" {
			return nil, errors.New("no UDP here")
		}
		here, there := net.Pipe()
		go answerNames(t, there)
		return here, nil
	}}
}

func TestResolverLooksUp(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]records{
		"mcp.example.com":   {a: []string{"203.0.113.7"}, aaaa: []string{"2001:db8::7"}, cname: "edge.example.net"},
		"other.example.com": {notFound: true},
	} {
		got, err := everybodysNames(t).lookUp(context.Background(), host)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", host, got, err)
		}
	}
	if _, err := (Resolver{Name: "none", Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}).lookUp(context.Background(), "mcp.example.com"); err == nil {
		t.Error("no error where no name server is")
	}
}

// The first question goes by UDP.
func TestResolverAsksByUDP(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(answerTo(t, packet[:n]), from)
		}
	}()
	got, err := (Resolver{Name: "x", Addr: server.LocalAddr().String()}).lookUp(context.Background(), "mcp.example.com")
	if err != nil || len(got.a) != 1 || len(got.aaaa) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhoseNamesAreTold(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"mcp.example.com": true, "mcp.example.com.": true, "xn--mller-kva.de": true,
		"localhost": false, "nas": false, "127.0.0.1": false, "::1": false, "203.0.113.7": false, "box.local": false,
		"mcp.corp.internal": false, "Mcp.Home.ARPA": false, "a.test": false, "mcp.example": false, "a.localhost": false,
	} {
		if everybodys(host) != want {
			t.Errorf("%s is told to public name servers: %t", host, !want)
		}
	}
}
