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
class RepoResponse(Model):
    """One repository of an organization."""

    id: int
    """Number that identifies the repository in every other call."""
    name: str
    """Short name of the repository, without its owner."""
    full_name: str
    """Name of the repository with its owner, as owner/name."""
    description: str | None
    """Text that says what the repository is for; null when it has none."""
    github_id: str
    """Id that GitHub gave the repository, as text."""
    organization_id: int
    """Number of the organization to which the repository belongs."""
    visibility: str | None
    """Word for who can see the repository, such as public or private; null when not known."""
    archived: bool | None
    """Whether the repository is archived; null when not known."""
    setup_status: str
    """Word for how far the setup of the repository has come."""
    language: str | None
    """Programming language of the repository; null when not known."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("RepoResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                name=d.pop("name"),
                full_name=d.pop("full_name"),
                description=d.pop("description"),
                github_id=d.pop("github_id"),
                organization_id=d.pop("organization_id"),
                visibility=d.pop("visibility"),
                archived=d.pop("archived"),
                setup_status=d.pop("setup_status"),
                language=d.pop("language"),
            )
        except KeyError as missing:
            raise InvalidModel("RepoResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("RepoResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["name"] = self.name
        d["full_name"] = self.full_name
        d["description"] = self.description
        d["github_id"] = self.github_id
        d["organization_id"] = self.organization_id
        d["visibility"] = self.visibility
        d["archived"] = self.archived
        d["setup_status"] = self.setup_status
        d["language"] = self.language
        return d
