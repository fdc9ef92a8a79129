// Package proxytest runs the proxies that Debian has, with a snippet of package expose as it is printed, on loopback.
package proxytest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Required is the environment variable that has a test fail, where otherwise it is skipped for want of a proxy.
const Required = "MCPWIZ_TEST_PROXIES"

// Kinds are the proxies that Debian has.
var Kinds = []string{"nginx", "haproxy", "caddy", "apache"}

// programs are what they are called there.
var programs = map[string]string{"nginx": "nginx", "haproxy": "haproxy", "caddy": "caddy", "apache": "apache2"}

// A Proxy runs, and answers for a host over TLS.
type Proxy struct {
	// Addr is where, Roots what its certificate is issued by, Webroot what is answered below /.well-known/acme-challenge/ by
	// the file of that path.
	Addr    string
	Roots   *x509.CertPool
	Webroot string

	dir, host, kind, program string
}

// Start runs a proxy until the test ends.
func Start(t testing.TB, kind, host, snippet string) *Proxy {
	t.Helper()
	program, err := find(programs[kind])
	if err != nil {
		if os.Getenv(Required) == "1" {
			t.Fatalf("%s=1 and %v", Required, err)
		}
		t.Skipf("the snippet for %s is not tried: %v", kind, err)
	}
	dir, err := os.MkdirTemp("", "mcpwiz-proxy") // not t.TempDir: who serves for all is another user, and may not come in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &Proxy{Addr: free(t), Webroot: filepath.Join(dir, "www"), dir: dir, host: host, kind: kind, program: program}
	p.certificate(t)
	for _, d := range []string{p.Webroot + "/.well-known/acme-challenge", dir + "/certs"} {
		must(t, os.MkdirAll(d, 0o755))
	}
	must(t, os.Chmod(dir, 0o755))
	p.run(t, arrangements[kind](t, p, snippet))
	return p
}

// find looks where Debian has daemons too, which is not on everybody's PATH.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	if path, sbin := exec.LookPath("/usr/sbin/" + program); sbin == nil {
		return path, nil
	}
	return "", err
}

// run starts the program and waits until it answers.
func (p *Proxy) run(t testing.TB, args []string) {
	t.Helper()
	log, err := os.Create(filepath.Join(p.dir, "log"))
	must(t, err)
	defer log.Close()
	c := exec.Command(p.program, args...)
	c.Dir, c.Stdout, c.Stderr = p.dir, log, log
	c.Env = append(os.Environ(), "HOME="+p.dir, "XDG_DATA_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, c.Start())
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", p.Addr, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
		case <-time.After(20 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		said, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		more, _ := os.ReadFile(filepath.Join(p.dir, "error.log"))
		t.Fatalf("%s does not answer: %s\n%s", p.kind, said, more)
	}
}

// Dial connects to the proxy whatever the address, as a name that points at it does.
func (p *Proxy) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, p.Addr)
}

// TLS trusts the proxy's certificate.
func (p *Proxy) TLS() *tls.Config { return &tls.Config{RootCAs: p.Roots, ServerName: p.host} }

// certificate writes one for the host, as a chain, a key, and both in one file.
func (p *Proxy) certificate(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	as := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: p.host}, DNSNames: []string{p.host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, as, as, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	p.Roots = x509.NewCertPool()
	p.Roots.AppendCertsFromPEM(chain)
	p.write(t, "fullchain.pem", string(chain))
	p.write(t, "privkey.pem", string(secret))
	p.write(t, "both.pem", string(chain)+string(secret))
}

func (p *Proxy) write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	must(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// free returns an address that nobody listens at.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// on puts a snippet onto this machine: each text that is bound to a real one must be there.
func on(t testing.TB, snippet string, changes ...string) string {
	t.Helper()
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(snippet, changes[i]) {
			t.Fatalf("the snippet has no %q:\n%s", changes[i], snippet)
		}
		snippet = strings.ReplaceAll(snippet, changes[i], changes[i+1])
	}
	return snippet
}

func port(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", addr, err)) // it was made above
	}
	return port
}
