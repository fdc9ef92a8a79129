// Package cloudflaretest is a small Cloudflare in memory: the API that mcpwiz calls, the edge that stands before a zone's hosts with
// the products that its settings switch on, and a small cloudflared that connects origins to it; answered as the real ones answer.
package cloudflaretest
