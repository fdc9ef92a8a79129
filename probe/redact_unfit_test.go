package probe

import "testing"

func TestUnfit(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"eyJ0.eyJh.c2ln":     "",
		"op_-._~+/==":        "",
		"eyJ0.eyJh.c2ln\n":   "U+000A at character 15 of 15",
		"two words":          "U+0020 at character 4 of 9",
		"schlüssel":          "U+00FC at character 5 of 9",
		"Bearer%20abc":       "U+0025 at character 7 of 12",
		"\"quoted in full\"": "U+0022 at character 1 of 16",
	} {
		if got := unfit(value); got != want {
			t.Errorf("unfit(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestTimeBeyondTheCalendar(t *testing.T) {
	t.Parallel()
	tok := Token{Claims: map[string]any{"exp": 1793535301000.0, "iat": 1793535301.5, "nbf": 1e300}}
	if at, ok := tok.Time("exp"); !ok || at.Year() < 50000 {
		t.Errorf("exp in milliseconds is %v, %v", at, ok)
	}
	if at, ok := tok.Time("iat"); !ok || at.Unix() != 1793535301 || at.Nanosecond() != 5e8 {
		t.Errorf("iat is %v, %v", at, ok)
	}
	if _, ok := tok.Time("nbf"); ok {
		t.Error("a number that no calendar has was taken for a time")
	}
}
