"""The data of a new sandbox."""

from functools import cache

from .messages import Json

_LANGUAGES = ("Python", "TypeScript", "Go", "Rust", None)
_USERS = (
    ("octocat", "Mona Lisa Octocat"),
    ("ada", "Ada Lovelace"),
    ("grace", "Grace Hopper"),
    ("alan", "Alan Turing"),
    ("edsger", None),
)
DEFAULT_REPOSITORY = 107
"""The id of `owner/repo`; on the second page, so that only readers of all pages find it."""
MODELS = {"claude-3-haiku": "claude", "claude-3-5-sonnet": "claude", "gpt-4o": "ccrouter", "droid-core": "droid"}
"""The ChatServer's models and the provider of each."""
DATED_MODELS = {"claude-3-5-sonnet": "claude-3-5-sonnet-20241022"}
"""The exact name that a completion answers with where it is not the requested one, as real services do."""


def users() -> list[Json]:
    """Return the members of the organization; the token belongs to the first one."""
    return [
        {
            "id": number,
            "email": f"{username}@example.com" if name else None,
            "github_user_id": str(1000 + number),
            "github_username": username,
            "avatar_url": None,
            "full_name": name,
            "role": "ADMIN" if number == 1 else "MEMBER",
            "is_admin": number == 1,
        }
        for number, (username, name) in enumerate(_USERS, 1)
    ]


def repositories(organization_id: int) -> list[Json]:
    """Return the repositories, more than one page of them, among them `owner/repo`."""
    return [{**repository, "organization_id": organization_id} for repository in _repositories()]


@cache
def _repositories() -> list[Json]:
    return [_repository(number) for number in range(1, 151)]


def _repository(number: int) -> Json:
    full_name = "owner/repo" if number == DEFAULT_REPOSITORY else f"sandbox/service-{number:03}"
    return {
        "id": number,
        "name": full_name.partition("/")[2],
        "full_name": full_name,
        "description": f"The code of {full_name}." if number % 3 else None,
        "github_id": str(500_000 + number),
        "visibility": "private" if number % 2 else "public",
        "archived": number % 25 == 0,
        "setup_status": "COMPLETED" if number % 4 else "PENDING",
        "language": _LANGUAGES[number % len(_LANGUAGES)],
    }


def check_suite_settings() -> Json:
    """Return the check-suite settings of a repository before any change."""
    return {
        "check_retry_count": 3,
        "ignored_checks": [],
        "check_retry_counts": {},
        "custom_prompts": {},
        "high_priority_apps": ["github-actions"],
        "available_check_suite_names": ["build", "lint", "test"],
    }
