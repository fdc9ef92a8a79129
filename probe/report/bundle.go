package report

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// BundledCapture is the file of a bundle that is the capture.
const BundledCapture = "capture.jsonl"

// A Bundle is what somebody else needs to see what was seen here, in one file.
type Bundle struct {
	// Capture is the stream of events as a Lines wrote it, Text the report as people are told it.
	Capture, Text []byte
	// Versions are those of the program and what it runs on, as they are written to versions.json.
	Versions any
	Page     PageOptions
	At       time.Time
}

// bundled is a file of a bundle, and what it is.
type bundled struct {
	name, what string
	data       []byte
}

// Write writes the bundle as a ZIP file; README.txt in it lists what is in it.
func (u Bundle) Write(w io.Writer, reports ...*Report) error {
	files, err := u.files(reports)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range append([]bundled{{name: "README.txt", data: listOf(files)}}, files...) {
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: u.At.UTC()})
		if err == nil {
			_, err = out.Write(f.data)
		}
		if err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

func (u Bundle) files(reports []*Report) ([]bundled, error) {
	var asJSON, asHTML, asMarkdown bytes.Buffer
	if err := WriteJSON(&asJSON, reports...); err != nil {
		return nil, err
	}
	if err := WriteHTML(&asHTML, u.Page, reports...); err != nil {
		return nil, err
	}
	if err := WriteMarkdown(&asMarkdown, reports...); err != nil {
		return nil, err
	}
	versions, err := json.MarshalIndent(u.Versions, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write bundle: versions: %w", err)
	}
	return []bundled{
		{BundledCapture, "the evidence: mcpwiz doctor --read judges it again, anywhere, and takes the whole archive too", u.Capture},
		{"report.json", "the findings and the evidence for programs", asJSON.Bytes()},
		{"report.html", "the same as a page: the handshake as a diagram, with the findings beside the arrows", asHTML.Bytes()},
		{"report.md", "the same for pasting into an issue", asMarkdown.Bytes()},
		{"report.txt", "the same as on the terminal, with every exchange", u.Text},
		{"versions.json", "which mcpwiz this was, and what it ran on", append(versions, '\n')},
	}, nil
}

// listOf is README.txt: what lies beside it, and what does not.
func listOf(files []bundled) []byte {
	var b strings.Builder
	b.WriteString("A handshake with an MCP server, as mcpwiz saw and judged it.\n\n")
	for _, f := range files {
		fmt.Fprintf(&b, "%-14s %9d bytes  sha256 %x\n               %s\n", f.name, len(f.data), sha256.Sum256(f.data), f.what)
	}
	b.WriteString(`
In it are URLs, host names, addresses, client ids, headers and documents as they were sent and received.
Not in it: tokens, authorization codes, passwords, client secrets, cookies, session ids, state, tool arguments and results. They
were struck out before anything was written: of each only its length and a fingerprint are left, whose key was thrown away.
`)
	return []byte(b.String())
}
