"""The operations on users, organizations, repositories, pull requests and integrations, by their names."""

# ruff: noqa: D102 - the contract says what each operation takes and does

from . import seed_data
from .messages import ApiError, Json
from .routing import Call
from .state import State


class Accounts:
    """The part of the Codegen API without agent runs; operations that are not here answer with an example."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get_users(self, call: Call) -> Json:
        return call.page(self._state.users)

    def get_user(self, call: Call) -> Json:
        for user in self._state.users:
            if user["id"] == call.arguments["user_id"]:
                return user
        raise ApiError(404, "User not found.")

    def get_current_user(self, _call: Call) -> Json:
        return self._state.users[0]

    def get_organizations(self, call: Call) -> Json:
        settings = {"enable_pr_creation": True, "enable_rules_detection": True}
        return call.page([{"id": self._state.settings.org_id, "name": "Sandbox Organization", "settings": settings}])

    def get_repositories(self, call: Call) -> Json:
        return call.page(self._state.repositories)

    def get_check_suite_settings(self, call: Call) -> Json:
        repo_id = self._state.repository(call.arguments["repo_id"])["id"]
        return self._state.check_suites.setdefault(repo_id, seed_data.check_suite_settings())

    def update_check_suite_settings(self, call: Call) -> Json:
        settings = self.get_check_suite_settings(call)
        given = call.arguments
        settings.update({name: given[name] for name in settings if given.get(name) is not None})
        return {"message": "Check suite settings updated."}

    def edit_pull_request(self, call: Call) -> Json:
        pull = self._state.pull_request(call.arguments["pr_id"], call.arguments.get("repo_id"))
        pull.state = call.arguments["state"]
        shown = {"url": pull.url, "number": pull.id, "title": pull.title, "state": pull.state}
        return {"success": True, **shown, "error": None}

    edit_repo_pull_request = edit_pull_request

    def get_integrations(self, _call: Call) -> Json:
        return {
            "organization_id": self._state.settings.org_id,
            "organization_name": "Sandbox Organization",
            "integrations": self._state.integrations,
            "total_active_integrations": sum(one["active"] for one in self._state.integrations),
        }

    def get_oauth_token_status(self, _call: Call) -> Json:
        return {one["integration_type"]: {"connected": one["active"]} for one in self._state.integrations}

    def revoke_oauth_token(self, call: Call) -> Json:
        provider = call.arguments["provider"]
        for one in self._state.integrations:
            if one["integration_type"] == provider:
                one["active"] = False
                return {"message": "Token revoked.", "provider": provider}
        raise ApiError(404, "No token of this provider found.")

    def generate_slack_connect_token(self, call: Call) -> Json:
        token = f"slack-connect-{call.arguments['org_id']}"
        return {"token": token, "message": "Send this token to the Codegen app in Slack.", "expires_in_minutes": 10}
