"""Measurements, run with `make bench`; two things are always compared in one run, because machines are noisy."""
