"""One typed method per operation, for each service."""
