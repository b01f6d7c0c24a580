"""Helpers for frameworks; each module is imported only by those who use its framework."""
