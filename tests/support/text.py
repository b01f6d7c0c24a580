"""Text for properties."""

from functools import partial

from hypothesis import strategies as st

any_text = partial(st.text, st.characters(exclude_categories=["Cs"]))
"""Anything but halves of surrogate pairs; characters by their codec take 2 s in each process of a new checkout."""
