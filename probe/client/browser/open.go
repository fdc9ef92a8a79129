package browser

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// settle is how long an opener has to fail; one that still runs then has the browser as its child.
const settle = 2 * time.Second

// OpenSystem opens the system's browser at an http or https URL. No shell reads the URL.
func OpenSystem(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("it is no URL for a browser")
	}
	argv, err := opener(runtime.GOOS, os.Getenv)
	if err != nil {
		return err
	}
	cmd := exec.Command(argv[0], append(argv[1:], u.String())...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", argv[0], err)
		}
	case <-time.After(settle):
	}
	return nil
}

// opener names the program that opens a URL. Without a screen xdg-open would start a browser in the terminal, over what the
// program shows there.
func opener(system string, env func(string) string) ([]string, error) {
	switch system {
	case "darwin":
		return []string{"open"}, nil
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}, nil
	}
	if env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "" && env("WSL_DISTRO_NAME") == "" {
		return nil, errors.New("there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set")
	}
	return []string{"xdg-open"}, nil
}
