package proxytest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// arrangements write the configuration around a snippet, and return the arguments to start with. Of the snippet only what is
// bound to the public machine is changed: ports, certificates, the webroot.
var arrangements = map[string]func(testing.TB, *Proxy, string) []string{
	"nginx": nginx, "haproxy": haproxy, "caddy": caddy, "apache": apache,
}

func nginx(t testing.TB, p *Proxy, snippet string) []string {
	t.Helper()
	snippet = on(t, snippet, "listen 443 ssl;", "listen "+p.Addr+" ssl;", "listen 80;", "listen "+free(t)+";",
		"/etc/letsencrypt/live/"+p.host, p.dir, "/var/www/html", p.Webroot)
	if at := strings.LastIndex(snippet, "}\n\n# A redirect"); at > 0 { // what sets of rules against dotfiles bring along
		snippet = snippet[:at] + "    location ~ /\\. { deny all; }\n" + snippet[at:]
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/tmp;\n", kind, p.dir)
	}
	conf := p.write(t, "nginx.conf", fmt.Sprintf("%s\ndaemon off; worker_processes 1; pid %s/pid; error_log %s/error.log;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n",
		user, p.dir, p.dir, temp.String(), snippet))
	return []string{"-p", p.dir, "-c", conf, "-e", p.dir + "/error.log"}
}

func haproxy(t testing.TB, p *Proxy, snippet string) []string {
	t.Helper()
	snippet = on(t, snippet, "bind :443 ssl crt /etc/haproxy/certs/"+p.host+".pem", "bind "+p.Addr+" ssl crt "+p.dir+"/both.pem", "bind :80", "bind "+free(t))
	return []string{"-db", "-f", p.write(t, "haproxy.cfg", "defaults\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n"+snippet)}
}

func caddy(t testing.TB, p *Proxy, snippet string) []string {
	t.Helper()
	snippet = on(t, snippet, p.host+" {\n", fmt.Sprintf("https://%s:%s {\n\tbind 127.0.0.1\n\ttls %s/fullchain.pem %s/privkey.pem\n", p.host, port(p.Addr), p.dir, p.dir))
	conf := p.write(t, "Caddyfile", "{\n\tadmin off\n\tauto_https off\n}\n"+snippet)
	return []string{"run", "--config", conf, "--adapter", "caddyfile"}
}

func apache(t testing.TB, p *Proxy, snippet string) []string {
	t.Helper()
	snippet = on(t, snippet, "*:443", p.Addr, "/etc/letsencrypt/live/"+p.host, p.dir, "/var/www/html", p.Webroot)
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %s\nServerName %s\nPidFile %s/pid\nDefaultRuntimeDir %s\nErrorLog %s/error.log\nListen %s\n", p.dir, p.host, p.dir, p.dir, p.dir, p.Addr)
	if os.Getuid() == 0 {
		conf.WriteString("User www-data\nGroup www-data\n")
	}
	const modules = "/usr/lib/apache2/modules"
	for _, m := range []string{"mpm_event", "authz_core", "alias", "mime", "ssl", "socache_shmcb", "proxy", "proxy_http", "headers", "env", "setenvif", "deflate", "filter", "reqtimeout"} {
		if file := filepath.Join(modules, "mod_"+m+".so"); exists(file) {
			fmt.Fprintf(&conf, "LoadModule %s_module %s\n", m, file)
		}
	}
	conf.WriteString("TypesConfig /dev/null\nAddOutputFilterByType DEFLATE text/html text/plain text/event-stream application/json\n<Directory />\n    Require all denied\n</Directory>\n")
	return []string{"-D", "FOREGROUND", "-f", p.write(t, "apache.conf", conf.String()+snippet)}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
