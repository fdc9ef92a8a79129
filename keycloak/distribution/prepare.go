package distribution

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// prepared is a Keycloak built for its options, with a database in which the administrator is: what takes long, kept.
// It refers to the home, of which nothing is changed.
type prepared struct {
	dir, home, version string
	password           string
	args               []string
}

// layoutVersion changes when what is kept does.
const layoutVersion = "1"

// prepare returns what an earlier start has kept for the same home, Java and features, or makes it.
func (m machine) prepare(ctx context.Context, home, java string, o Options) (*prepared, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return nil, err
	}
	version, err := versionOf(home)
	if err != nil {
		return nil, fmt.Errorf("start Keycloak: %w", err)
	}
	cache, err := m.cache()
	if err != nil {
		return nil, err
	}
	p := &prepared{home: home, version: version, args: arguments(o.Features)}
	if p.password, err = password(cache); err != nil {
		return nil, err
	}
	key, err := p.key(java)
	if err != nil {
		return nil, fmt.Errorf("start Keycloak %s: look through %s: %w", version, home, err)
	}
	p.dir = filepath.Join(cache, "prepared", version+"-"+key)
	if p.there() {
		return p, nil
	}
	m.told("building Keycloak " + version + " and its database, once: about 40 s")
	if err := p.make(ctx, o.Log); err != nil {
		return nil, fmt.Errorf("prepare Keycloak %s: %w", version, err)
	}
	return p, nil
}

func (p *prepared) there() bool {
	_, err := os.Stat(p.dir)
	return err == nil
}

// arguments of kc.sh. All start alike: another option of the build would make the server build itself again.
func arguments(features []string) []string {
	args := []string{"start-dev", "--http-host", "127.0.0.1", "--http-port", "0"}
	if len(features) > 0 {
		args = append(args, "--features="+strings.Join(slices.Sorted(slices.Values(features)), ","))
	}
	return args
}

// parts are what a server is made of, beside its data.
var parts = []string{"bin", "conf", "lib", "providers", "themes"}

// key tells apart what has to be built anew. The home is read by names, sizes and times: a provider may have been added.
func (p *prepared) key(java string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, layoutVersion, p.home, p.args, java, p.password)
	for _, part := range parts {
		err := filepath.WalkDir(filepath.Join(p.home, part), func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist) && name == filepath.Join(p.home, part):
				return nil
			case err != nil:
				return err
			case d.IsDir() && name == filepath.Join(p.home, "lib", "quarkus"): // changes whenever that home is used
				return filepath.SkipDir
			case d.IsDir():
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(h, name, info.Size(), info.ModTime().UnixNano())
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// make builds the server by starting it once, and keeps what came of it, whole or not at all.
func (p *prepared) make(ctx context.Context, log io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(p.dir), 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(p.dir), ".prepare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	run := filepath.Join(tmp, "run")
	if err := copyHome(p.home, run); err != nil {
		return err
	}
	if err := p.first(ctx, run, log); err != nil {
		return err
	}
	if err := p.keep(run, tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(run); err != nil {
		return err
	}
	if err := os.Rename(tmp, p.dir); err != nil && !p.there() { // somebody else may have been faster
		return err
	}
	return nil
}

// first starts the server on an empty database and ends it in order, so that the database is whole.
func (p *prepared) first(ctx context.Context, run string, log io.Writer) error {
	s, err := launch(run, p.args, []string{"KC_BOOTSTRAP_ADMIN_USERNAME=" + adminUser, "KC_BOOTSTRAP_ADMIN_PASSWORD=" + p.password}, log)
	if err != nil {
		return err
	}
	defer s.kill()
	if _, err := s.ready(ctx); err != nil {
		return err
	}
	return s.terminate(ctx)
}

// copyHome copies a home without its data: building writes into it.
func copyHome(from, to string) error {
	for _, part := range parts {
		err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(from, part)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// keep takes the build and the database out of a server that has run; all else of lib, 180 MB, stays the home's.
func (p *prepared) keep(run, to string) error {
	if err := os.Mkdir(filepath.Join(to, "lib"), 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(p.home, "lib"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "quarkus" {
			err = os.Rename(filepath.Join(run, "lib", "quarkus"), filepath.Join(to, "lib", "quarkus"))
		} else {
			err = os.Symlink(filepath.Join(p.home, "lib", e.Name()), filepath.Join(to, "lib", e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return os.Rename(filepath.Join(run, "data"), filepath.Join(to, "data"))
}

// layout makes dir a home whose data are its own. kc.sh takes for the home where it lies itself, so it is copied.
func layout(dir, home, lib string) error {
	script, err := os.ReadFile(filepath.Join(home, "bin", "kc.sh"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "kc.sh"), script, 0o700); err != nil {
		return err
	}
	links := map[string]string{"lib": lib}
	for _, name := range []string{"conf", "providers", "themes"} {
		if _, err := os.Stat(filepath.Join(home, name)); err == nil {
			links[name] = filepath.Join(home, name)
		}
	}
	for name, target := range links {
		err = errors.Join(err, os.Symlink(target, filepath.Join(dir, name)))
	}
	return err
}
