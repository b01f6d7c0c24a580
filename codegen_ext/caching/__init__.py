"""Where answers are kept: in memory or in Redis, each under the credential that they were given to."""
