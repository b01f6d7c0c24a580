"""Text for properties."""

from typing import Any

from hypothesis import strategies as st

CHARACTERS = st.characters(exclude_categories=["Cs"])
"""All but halves of surrogate pairs; the same by their codec take 2 s in each process of a new checkout."""


def any_text(**sizes: Any) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, **sizes)
