package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// addFormat adds --format, the first of formats being what people get.
func addFormat(c *cobra.Command, format *string, formats ...string) {
	c.Flags().StringVar(format, "format", formats[0], "`how` to write it: "+strings.Join(formats, ", "))
	completed(c, "format", func() []string { return formats })
}

// oneOf refuses a value that a flag does not have.
func oneOf(flag, value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return usage("one of "+strings.Join(values, ", "), "--%s %q is not known", flag, value)
}

// completed completes the values of a flag. That the flag is there is all that could go wrong.
func completed(c *cobra.Command, flag string, values func() []string) {
	err := c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err)
	}
}
