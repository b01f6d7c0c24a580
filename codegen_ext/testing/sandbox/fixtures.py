"""The world as it is when a sandbox starts."""

from .wire import Json

REPOSITORIES = 150
"""How many repositories there are: more than one page of them."""

_OWN_REPOSITORY = 107  # on the second page, so that only readers of all pages find it
_LANGUAGES = ("Python", "TypeScript", "Go", "Rust", None)
_INTEGRATIONS = ("github", "slack", "linear", "notion", "jira")
_USERS = (
    ("octocat", "Mona Lisa Octocat", "ADMIN"),
    ("ada", "Ada Lovelace", "MEMBER"),
    ("grace", "Grace Hopper", "MEMBER"),
    ("alan", "Alan Turing", "MEMBER"),
    ("edsger", None, "MEMBER"),
)


def users() -> list[Json]:
    """Return the members of the organisation; the first one is whom the token belongs to."""
    return [
        {
            "id": number,
            "email": f"{username}@example.com" if name else None,
            "github_user_id": str(1000 + number),
            "github_username": username,
            "avatar_url": None,
            "full_name": name,
            "role": role,
            "is_admin": role == "ADMIN",
        }
        for number, (username, name, role) in enumerate(_USERS, 1)
    ]


def repositories(organization_id: int) -> list[Json]:
    """Return the repositories, among them `owner/repo`."""
    return [_repository(number, organization_id) for number in range(1, REPOSITORIES + 1)]


def _repository(number: int, organization_id: int) -> Json:
    full_name = "owner/repo" if number == _OWN_REPOSITORY else f"sandbox/service-{number:03}"
    return {
        "id": number,
        "name": full_name.partition("/")[2],
        "full_name": full_name,
        "description": f"The code of {full_name}." if number % 3 else None,
        "github_id": str(500_000 + number),
        "organization_id": organization_id,
        "visibility": "private" if number % 2 else "public",
        "archived": number % 25 == 0,
        "setup_status": "COMPLETED" if number % 4 else "PENDING",
        "language": _LANGUAGES[number % len(_LANGUAGES)],
    }


def organization(organization_id: int) -> Json:
    """Return the organisation that the token may use."""
    return {
        "id": organization_id,
        "name": "Sandbox Organization",
        "settings": {"enable_pr_creation": True, "enable_rules_detection": True},
    }


def integrations() -> dict[str, Json]:
    """Return the integrations by provider; the last one is not connected."""
    return {
        name: {
            "integration_type": name,
            "active": name != _INTEGRATIONS[-1],
            "token_id": number,
            "installation_id": 9000 + number if name == "github" else None,
            "metadata": {"workspace": "sandbox"} if name == "slack" else None,
        }
        for number, name in enumerate(_INTEGRATIONS, 1)
    }


def mcp_providers() -> list[Json]:
    """Return the providers that can be connected over MCP."""
    return [
        {
            "id": number,
            "name": name,
            "issuer": f"https://{name}.sandbox.invalid",
            "authorization_endpoint": f"https://{name}.sandbox.invalid/authorize",
            "token_endpoint": f"https://{name}.sandbox.invalid/token",
            "default_scopes": ["read", "write"] if name == "linear" else None,
            "is_mcp": True,
            "meta": {"logo": f"{name}.svg"},
        }
        for number, name in enumerate(("linear", "notion"), 1)
    ]


def check_suite_settings() -> Json:
    """Return the check-suite settings of a repository that nobody has changed."""
    return {
        "check_retry_count": 3,
        "ignored_checks": [],
        "check_retry_counts": {},
        "custom_prompts": {},
        "high_priority_apps": ["github-actions"],
        "available_check_suite_names": ["build", "lint", "test"],
    }


def cli_rules() -> Json:
    """Return the rules that the command-line tool is given."""
    return {"organization_rules": "Write tests for what you change.", "user_custom_prompt": None}


def model_ids() -> dict[str, str]:
    """Return the ChatServer's models with who provides each."""
    return {"claude-3-haiku": "claude", "claude-3-5-sonnet": "claude", "gpt-4o": "ccrouter", "droid-core": "droid"}
