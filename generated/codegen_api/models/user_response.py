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
class UserResponse(Model):
    """One person who uses the service."""

    id: int
    """Number that identifies the user within the service."""
    github_user_id: str
    """Id that GitHub gave the user, as text."""
    github_username: str
    """Login name of the user on GitHub."""
    email: str | None = None
    """Email address of the user; null or absent when not known."""
    avatar_url: str | None = None
    """Web address of the user's picture; null or absent when there is none."""
    full_name: str | None = None
    """First and last name of the user; null or absent when not known."""
    role: str | None = None
    """Word for the part that the user plays, as the service names it; null or absent when not known."""
    is_admin: bool | None = None
    """Whether the user has administrator rights; null or absent when not known."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("UserResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                github_user_id=d.pop("github_user_id"),
                github_username=d.pop("github_username"),
                email=d.pop("email", None),
                avatar_url=d.pop("avatar_url", None),
                full_name=d.pop("full_name", None),
                role=d.pop("role", None),
                is_admin=d.pop("is_admin", None),
            )
        except KeyError as missing:
            raise InvalidModel("UserResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("UserResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["github_user_id"] = self.github_user_id
        d["github_username"] = self.github_username
        if self.email is not None:
            d["email"] = self.email
        if self.avatar_url is not None:
            d["avatar_url"] = self.avatar_url
        if self.full_name is not None:
            d["full_name"] = self.full_name
        if self.role is not None:
            d["role"] = self.role
        if self.is_admin is not None:
            d["is_admin"] = self.is_admin
        return d
