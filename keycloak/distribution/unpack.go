package distribution

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpackTo unpacks a tar.gz whose entries share one top folder to home, whole or not at all. Somebody else who was
// faster has done the same.
func unpackTo(archive, home string) error {
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("unpack Keycloak: %w", err)
	}
	defer f.Close()
	tmp, err := os.MkdirTemp(filepath.Dir(home), ".unpack-")
	if err != nil {
		return fmt.Errorf("unpack Keycloak: %w", err)
	}
	defer os.RemoveAll(tmp)
	whole := filepath.Join(tmp, "home")
	if err := unpack(f, whole); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	if _, err := versionOf(whole); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	return install(whole, home)
}

// install moves what is whole into its place. Remains of something broken make way; what is whole already stays.
func install(whole, place string) error {
	err := os.Rename(whole, place)
	if err == nil {
		return nil
	}
	if _, broken := versionOf(place); broken == nil {
		return nil
	}
	if err := os.RemoveAll(place); err != nil {
		return fmt.Errorf("replace what is broken: %w", err)
	}
	if err := os.Rename(whole, place); err != nil {
		return fmt.Errorf("move into the cache: %w", err)
	}
	return nil
}

// maxUnpacked is far above the 190 MB of a distribution.
const maxUnpacked = 2 << 30

func unpack(from io.Reader, to string) error {
	unzipped, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("read as gzip: %w", err)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	// A root cannot be left, not even by a link that the archive made before.
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxUnpacked)
	for entries := tar.NewReader(unzipped); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			// The checksum of gzip stands at the very end.
			_, err := io.Copy(io.Discard, unzipped)
			return err
		}
		if err != nil {
			return fmt.Errorf("read as tar: %w", err)
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("it holds more than %d bytes", int64(maxUnpacked))
		}
		if err := entry(root, h, entries); err != nil {
			return fmt.Errorf("entry %.200q: %w", h.Name, err)
		}
	}
}

// entry writes one file or folder, its top folder taken off. A distribution has nothing else in it.
func entry(root *os.Root, h *tar.Header, content io.Reader) error {
	if !filepath.IsLocal(h.Name) || strings.Contains(h.Name, `\`) {
		return errors.New("it leads out of the archive")
	}
	_, name, _ := strings.Cut(path.Clean(h.Name), "/")
	if name == "" {
		return nil // the top folder itself
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeReg:
		return writeFile(root, name, h.FileInfo().Mode().Perm()|0o600, content)
	}
	return fmt.Errorf("it is neither file nor folder (type %q)", h.Typeflag)
}

func writeFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
