"""Number of retries for single checks, keyed by the name of the check."""

CheckRetryCounts = dict[str, int]
