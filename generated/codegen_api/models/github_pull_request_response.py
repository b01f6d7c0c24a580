from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class GithubPullRequestResponse(Model):
    """Pull request on GitHub that belongs to an agent run."""

    id: int
    """Number that identifies the pull request."""
    created_at: str
    """Time at which the pull request was created, as ISO 8601 text."""
    title: str | None = None
    """Heading of the pull request; null or absent when the service sends none."""
    url: str | None = None
    """Web address of the pull request; null or absent when the service sends none."""
    head_branch_name: str | None = None
    """Name of the branch that holds the changes; null or absent when the service sends none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("GithubPullRequestResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                created_at=d.pop("created_at"),
                title=d.pop("title", None),
                url=d.pop("url", None),
                head_branch_name=d.pop("head_branch_name", None),
            )
        except KeyError as missing:
            raise InvalidModel("GithubPullRequestResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("GithubPullRequestResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["created_at"] = self.created_at
        if self.title is not None:
            d["title"] = self.title
        if self.url is not None:
            d["url"] = self.url
        if self.head_branch_name is not None:
            d["head_branch_name"] = self.head_branch_name
        return d
