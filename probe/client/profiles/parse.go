package profiles

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// maxFile keeps a file that is no profile from being read as one.
const maxFile = 1 << 20

// Parse reads a profile strictly: a member that is unknown, misspelt or there twice is an error that names it, and so is
// a knob of which the profile neither says where it was seen nor that it is unknown. The name is for errors.
func Parse(name string, data []byte) (*probe.Profile, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("profile %s: larger than %d bytes", name, maxFile)
	}
	var p probe.Profile
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	if err := strictly(data); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	if err := errors.Join(append(values(&p), sources(&p)...)...); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	return &p, nil
}

// strictly holds the members of a document that could be decoded to those that a profile has. encoding/json takes other
// spellings of a name and the last of two of the same, which would hide a mistake.
func strictly(data []byte) error {
	return member(json.NewDecoder(bytes.NewReader(data)), reflect.TypeFor[probe.Profile](), "")
}

// member reads one value and compares its objects with the type that they are decoded into.
func member(d *json.Decoder, t reflect.Type, path string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return object(d, t, path)
	case json.Delim('['):
		return array(d, t, path)
	case nil:
		if t != nil && t.Kind() != reflect.Pointer {
			return fmt.Errorf("%s is null", cmp.Or(path, "the profile"))
		}
	}
	return nil
}

func object(d *json.Decoder, t reflect.Type, path string) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		inner := strings.TrimPrefix(path+"."+name, ".")
		if seen[name] {
			return fmt.Errorf("member %q is there twice", inner)
		}
		seen[name] = true
		of, err := typeOf(t, name, inner)
		if err != nil {
			return err
		}
		if err := member(d, of, inner); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func array(d *json.Decoder, t reflect.Type, path string) error {
	var of reflect.Type
	if t != nil && t.Kind() == reflect.Slice {
		of = t.Elem()
	}
	for i := 0; d.More(); i++ {
		if err := member(d, of, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// typeOf returns the type of a member of t, nil where anything may stand.
func typeOf(t reflect.Type, name, path string) (reflect.Type, error) {
	switch {
	case t == nil || t.Kind() == reflect.Interface:
		return nil, nil
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Interface:
		return nil, nil
	case t.Kind() == reflect.Map:
		return t.Elem(), nil
	case t.Kind() != reflect.Struct:
		return nil, nil // decoding tells what is wrong
	}
	var names []string
	for i := range t.NumField() {
		known := jsonName(t.Field(i))
		if known == name {
			return t.Field(i).Type, nil
		}
		names = append(names, known)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("unknown member %q: known here are %s", path, strings.Join(names, ", "))
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
