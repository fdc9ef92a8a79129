package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// certificate takes from a certificate what it says of itself.
func (t *TLS) certificate(c *x509.Certificate) {
	t.Subject, t.Issuer = c.Subject.String(), c.Issuer.String()
	t.Names, t.NotAfter = c.DNSNames, c.NotAfter.UTC()
	for _, ip := range c.IPAddresses {
		t.Names = append(t.Names[:len(t.Names):len(t.Names)], ip.String())
	}
}

// kinds are the kinds of WireError in the order in which they are tried: the more telling first.
var kinds = []struct {
	kind string
	is   func(error) bool
}{
	{"dns", as[*net.DNSError]},
	{"refused", oneOf(syscall.ECONNREFUSED)},
	{"unreachable", oneOf(syscall.ENETUNREACH, syscall.EHOSTUNREACH)},
	{"canceled", oneOf(context.Canceled)},
	{"tls", func(err error) bool {
		return as[*tls.CertificateVerificationError](err) || as[tls.RecordHeaderError](err) || as[tls.AlertError](err) ||
			as[x509.UnknownAuthorityError](err) || as[x509.HostnameError](err) || as[x509.CertificateInvalidError](err)
	}},
	{"timeout", func(err error) bool {
		var e net.Error
		return oneOf(context.DeadlineExceeded, os.ErrDeadlineExceeded)(err) || errors.As(err, &e) && e.Timeout()
	}},
	{"reset", oneOf(syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED)},
	//lint:ignore SA1019 net/http still returns it, for a body that is not as announced
	{"protocol", as[*http.ProtocolError]},
	{"eof", oneOf(io.EOF, io.ErrUnexpectedEOF)},
}

// phrases tell the kind of errors that have no type: those of net/http's own, of its HTTP/2, and of Windows.
var phrases = []struct{ kind, phrase string }{
	{"canceled", "response body closed"}, // by ourselves, while it was read
	{"canceled", "read on closed response body"},
	{"tls", "tls:"},
	{"tls", "server gave HTTP response to HTTPS client"},
	{"tls", "x509:"},
	{"refused", "actively refused"},
	{"refused", "connection refused"},
	{"unreachable", "unreachable"},
	{"reset", "connection reset"},
	{"reset", "forcibly closed"},
	{"reset", "stream error"},
	{"eof", "server closed idle connection"},
	{"eof", "EOF"},
	{"canceled", "request canceled"},
	{"timeout", "timeout"},
	{"protocol", "malformed"},
	{"protocol", "http2:"},
	{"protocol", "HTTP/"},
}

// kindOf tells the kind of a failure below HTTP.
func kindOf(err error) string {
	for _, k := range kinds {
		if k.is(err) {
			return k.kind
		}
	}
	for _, p := range phrases {
		if strings.Contains(err.Error(), p.phrase) {
			return p.kind
		}
	}
	return "other"
}

func as[E error](err error) bool { var e E; return errors.As(err, &e) }

func oneOf(all ...error) func(error) bool {
	return func(err error) bool {
		for _, e := range all {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
}
