package distribution

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
)

// image is Keycloak's own, from Docker's default registry.
const image = "keycloak/keycloak"

// startImage runs the image where Java or Maven is missing and a Docker daemon answers; else it returns why Docker was
// asked at all. The tests hold what Docker is told, on a docker that is a script: the image itself has not been run by
// them. A container outlives a process that is killed; Stop and the end of ctx remove it.
func (m machine) startImage(ctx context.Context, o Options, missing error) (*Running, error) {
	docker, err := m.look("docker")
	if err != nil || exec.CommandContext(ctx, docker, "version", "--format", "{{.Server.Version}}").Run() != nil {
		return nil, fmt.Errorf("%w; or have a Docker daemon running", missing)
	}
	version := cmp.Or(o.Version, DefaultVersion)
	if !plainVersion.MatchString(version) {
		return nil, fmt.Errorf("start Keycloak %.40q: that is no version", version)
	}
	m.told("starting Keycloak " + version + " in Docker")
	c := &container{docker: docker, name: "mcpwiz-" + strings.ToLower(rand.Text()[:12])}
	r := &Running{Version: version, AdminUser: adminUser, end: c.remove}
	cache, err := m.cache()
	if err != nil {
		return nil, err
	}
	if r.AdminPassword, err = password(cache); err != nil {
		return nil, err
	}
	if r.URL, err = c.start(ctx, o, version, r.AdminPassword); err != nil {
		return nil, errors.Join(fmt.Errorf("start Keycloak %s in Docker: %w", version, err), c.remove())
	}
	context.AfterFunc(ctx, func() { _ = r.Stop() })
	return r, nil
}

type container struct {
	docker, name string
	client       *server // the docker that is attached to it
}

// start returns the base of the server once it answers. The image is fetched on the way, if need be.
func (c *container) start(ctx context.Context, o Options, version, password string) (string, error) {
	args := []string{"run", "--rm", "--name", c.name, "--publish", "127.0.0.1::8080",
		"--env", "KC_BOOTSTRAP_ADMIN_USERNAME", "--env", "KC_BOOTSTRAP_ADMIN_PASSWORD", image + ":" + version, "start-dev"}
	if len(o.Features) > 0 {
		args = append(args, "--features="+strings.Join(o.Features, ","))
	}
	cmd := exec.Command(c.docker, args...)
	// Named in the arguments, but given by the environment: arguments are seen by everybody.
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME="+adminUser, "KC_BOOTSTRAP_ADMIN_PASSWORD="+password)
	s, err := run(cmd, o.Log)
	if err != nil {
		return "", err
	}
	c.client = s
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-s.out.listening: // inside the container
	case <-s.exited:
		return "", s.ended()
	case <-ctx.Done():
		return "", s.withLog(context.Cause(ctx))
	}
	url, err := c.published(ctx)
	if err != nil {
		return "", err
	}
	return url, s.answers(ctx, url)
}

// published returns where the container's port is reached from here.
func (c *container) published(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, c.docker, "port", c.name, "8080/tcp").Output()
	if err != nil {
		return "", fmt.Errorf("ask Docker for the port: %w", err)
	}
	at, err := netip.ParseAddrPort(firstLine(string(out)))
	if err != nil {
		return "", fmt.Errorf("ask Docker for the port: %w", err)
	}
	return "http://" + at.String(), nil
}

// remove ends the container with its data; one that is gone already is what was wanted.
func (c *container) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, c.docker, "rm", "--force", "--volumes", c.name).CombinedOutput()
	if c.client != nil {
		c.client.kill()
	}
	if err != nil && !strings.Contains(string(out), "No such container") {
		return fmt.Errorf("remove container %s: %w: %.200s", c.name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
