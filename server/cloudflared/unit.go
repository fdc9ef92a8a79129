package cloudflared

import (
	"fmt"
	"strings"
)

// Unit is a systemd unit that runs a tunnel by the token in a file, so that the token is in no argument. Both paths are absolute.
// cloudflared tells systemd when it is connected, hence Type=notify. Where it tells of itself is left to it: it takes the first of
// localhost:20241 to 20245 that is free, so that two such units run on one host.
func Unit(program, tokenFile, name string) (string, error) {
	for what, path := range map[string]string{"the program": program, "the token file": tokenFile} {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\n\"'\\ %$") {
			return "", fmt.Errorf("a unit for %s: %q is no absolute path without blanks and quotes", what, path)
		}
	}
	return fmt.Sprintf(`[Unit]
Description=Cloudflare Tunnel %s
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
TimeoutStartSec=15
LoadCredential=token:%s
ExecStart=%s tunnel --config /dev/null --no-autoupdate run --token-file %%d/token
Restart=on-failure
RestartSec=5
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
CapabilityBoundingSet=

[Install]
WantedBy=multi-user.target
`, oneLine(name), tokenFile, program), nil
}

func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == '%' {
			return '-'
		}
		return c
	}, s)
}
