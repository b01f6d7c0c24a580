"""Agent and Task: start a run, follow it, get its result."""
