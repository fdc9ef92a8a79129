package cloudflare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/zero_trust"
)

// A configuration is that of a tunnel: each rule is kept whole, since it may say more than we read.
type configuration struct {
	whole map[string]json.RawMessage
	rules []json.RawMessage
}

// configurationOf is what a tunnel has now.
func (a *API) configurationOf(ctx context.Context, account, tunnel string) (configuration, error) {
	var e struct {
		Result struct {
			Config json.RawMessage `json:"config"`
		} `json:"result"`
	}
	var p zero_trust.TunnelCloudflaredConfigurationGetParams
	p.AccountID.Value, p.AccountID.Present = account, true
	_, err := zero_trust.NewTunnelCloudflaredConfigurationService(a.options()...).Get(ctx, tunnel, p, option.WithResponseBodyInto(&e))
	if statusOf(err) == http.StatusNotFound {
		return configuration{}, nil
	}
	if err != nil {
		return configuration{}, a.failed("read the ingress rules", permTunnel+levelRead, err)
	}
	return parseConfiguration(e.Result.Config)
}

func parseConfiguration(raw json.RawMessage) (configuration, error) {
	c := configuration{}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return c, nil
	}
	if err := json.Unmarshal(raw, &c.whole); err != nil {
		return c, fmt.Errorf("read the ingress rules: %w", err)
	}
	if rules := c.whole["ingress"]; len(rules) > 0 {
		if err := json.Unmarshal(rules, &c.rules); err != nil {
			return c, fmt.Errorf("read the ingress rules: %w", err)
		}
	}
	return c, nil
}

func (c configuration) ingress() (Ingress, error) {
	all := make(Ingress, len(c.rules))
	for i, raw := range c.rules {
		if err := json.Unmarshal(raw, &all[i]); err != nil {
			return nil, fmt.Errorf("read ingress rule %d: %w", i+1, err)
		}
	}
	return all, nil
}

// with returns the configuration with other rules; of one that stays all that it says.
func (c configuration) with(rules Ingress) (map[string]json.RawMessage, error) {
	old, err := c.ingress()
	if err != nil {
		return nil, err
	}
	taken := make([]bool, len(old))
	var all []any
	for _, r := range rules {
		at := -1
		for i, o := range old {
			if o == r && !taken[i] {
				at = i
				break
			}
		}
		if at < 0 {
			all = append(all, r)
			continue
		}
		taken[at] = true
		all = append(all, c.rules[at])
	}
	whole := map[string]json.RawMessage{}
	for k, v := range c.whole {
		whole[k] = v
	}
	whole["ingress"], err = json.Marshal(all)
	return whole, err
}

// keeps reports whether a former configuration is still there with all that it said, besides rules that came to it.
func (c configuration) keeps(was configuration) bool {
	for _, key := range slices.Sorted(maps.Keys(was.whole)) {
		if key != "ingress" && !sameJSON(c.whole[key], was.whole[key]) {
			return false
		}
	}
	for _, one := range was.rules {
		if !slices.ContainsFunc(c.rules, func(raw json.RawMessage) bool { return sameJSON(raw, one) }) {
			return false
		}
	}
	return true
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func (c configuration) raw() json.RawMessage {
	if c.whole == nil {
		return nil
	}
	raw, err := json.Marshal(c.whole)
	if err != nil {
		panic(err) // it was read as JSON
	}
	return raw
}
