package cloudflaretest

// MatchIngress reads the rules of a configuration and returns the number of the one that holds for a request.
func MatchIngress(config map[string]any, host, path string) (int, bool, error) {
	rules, err := readIngress(config)
	if err != nil {
		return 0, false, err
	}
	i, ok := matchIngress(rules, host, path)
	return i, ok, nil
}
