"""Own prompts for single checks, keyed by the name of the check."""

CustomPrompts = dict[str, str]
