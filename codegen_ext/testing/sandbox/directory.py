"""The operations on people, organisations, repositories and pull requests; each method is the operation of its name."""

# ruff: noqa: ARG002, D102 - the contract says what each operation takes and does

from . import fixtures
from .reading import Call
from .runs import PullRequest
from .wire import ApiError, Json
from .world import World

_SLACK_TOKEN_MINUTES = 10


class Directory:
    """All of the Codegen API that is not about agent runs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_users(self, call: Call) -> Json:
        return call.page(self._world.users)

    def get_user(self, call: Call) -> Json:
        for user in self._world.users:
            if user["id"] == call.parameters["user_id"]:
                return user
        raise ApiError(404, "User not found.")

    def get_current_user(self, call: Call) -> Json:
        return self._world.users[0]

    def get_organizations(self, call: Call) -> Json:
        return call.page([fixtures.organization(self._world.settings.org_id)])

    def get_repositories(self, call: Call) -> Json:
        return call.page(list(self._world.repositories.values()))

    def get_check_suite_settings(self, call: Call) -> Json:
        repo_id = self._world.repository(call.parameters["repo_id"])["id"]
        return self._world.check_suites.setdefault(repo_id, fixtures.check_suite_settings())

    def update_check_suite_settings(self, call: Call) -> Json:
        settings = self.get_check_suite_settings(call)
        settings.update({name: value for name, value in call.body.items() if name in settings and value is not None})
        return {"message": "Check suite settings updated."}

    def edit_pull_request(self, call: Call) -> Json:
        return self._edit(self._world.pull_request(call.parameters["pr_id"]), call)

    def edit_repo_pull_request(self, call: Call) -> Json:
        return self._edit(self._world.pull_request(call.parameters["pr_id"], call.parameters["repo_id"]), call)

    def get_integrations(self, call: Call) -> Json:
        integrations = list(self._world.integrations.values())
        return {
            "organization_id": self._world.settings.org_id,
            "organization_name": fixtures.organization(self._world.settings.org_id)["name"],
            "integrations": integrations,
            "total_active_integrations": sum(integration["active"] for integration in integrations),
        }

    def get_mcp_providers(self, call: Call) -> list[Json]:
        return fixtures.mcp_providers()

    def get_oauth_token_status(self, call: Call) -> Json:
        return {name: {"connected": item["active"]} for name, item in self._world.integrations.items()}

    def revoke_oauth_token(self, call: Call) -> Json:
        provider = call.parameters["provider"]
        if provider not in self._world.integrations:
            raise ApiError(404, "No token of this provider found.")
        self._world.integrations[provider]["active"] = False
        return {"message": "Token revoked.", "provider": provider}

    def get_cli_rules(self, call: Call) -> Json:
        return fixtures.cli_rules()

    def generate_slack_connect_token(self, call: Call) -> Json:
        self._world.check_access(call.body["org_id"])
        return {
            "token": f"slack-connect-{self._world.settings.org_id}",
            "message": "Send this token to the Codegen app in Slack.",
            "expires_in_minutes": _SLACK_TOKEN_MINUTES,
        }

    def _edit(self, pull: PullRequest, call: Call) -> Json:
        pull.state = call.body["state"]
        return {
            "success": True,
            "url": pull.url,
            "number": pull.id,
            "title": pull.title,
            "state": pull.state,
            "error": None,
        }
