package plan

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// migrations[v] takes a file from version v to v+1.
var migrations = [FormatVersion]func(root *yaml.Node) error{
	0: serverToServers,
}

func versionOf(file string, root *yaml.Node) (int, error) {
	n := member(root, "version")
	if n == nil {
		return 0, nil
	}
	v, err := strconv.Atoi(n.Value)
	switch {
	case err != nil || v < 0 || n.Kind != yaml.ScalarNode:
		return 0, fmt.Errorf("%s:%d: version is %s, must be a whole number like %d", file, n.Line, kindOf(n), FormatVersion)
	case v > FormatVersion:
		return 0, fmt.Errorf("%s:%d: written for version %d of the format; this mcpwiz knows versions up to %d: use a newer mcpwiz",
			file, n.Line, v, FormatVersion)
	}
	return v, nil
}

func migrate(file string, root *yaml.Node, from int) error {
	if from == FormatVersion {
		return nil
	}
	for v := from; v < FormatVersion; v++ {
		if err := migrations[v](root); err != nil {
			return fmt.Errorf("%s: migrate from version %d to %d: %w", file, v, v+1, err)
		}
	}
	now := strconv.Itoa(FormatVersion)
	if n := member(root, "version"); n != nil {
		n.Value, n.Tag, n.Style = now, "!!int", 0
		return nil
	}
	root.Content = append([]*yaml.Node{
		{Kind: yaml.ScalarNode, Tag: "!!str", Value: "version"}, {Kind: yaml.ScalarNode, Tag: "!!int", Value: now},
	}, root.Content...)
	return nil
}

// serverToServers: version 0 had one server under the key server.
func serverToServers(root *yaml.Node) error {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, one := root.Content[i], root.Content[i+1]
		if key.Value != "server" {
			continue
		}
		if member(root, "servers") != nil {
			return fmt.Errorf("line %d: both server and servers are there: keep servers", key.Line)
		}
		key.Value = "servers"
		root.Content[i+1] = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: one.Line, Content: []*yaml.Node{one}}
		return nil
	}
	return nil
}

func member(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
