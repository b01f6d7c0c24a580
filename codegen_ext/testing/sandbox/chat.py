"""The ChatServer: completions, stored sessions and administration; each public method is the operation of its name."""

# ruff: noqa: D102 - the contract says what each operation takes and does

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from .messages import ApiError, Json, dumps
from .routing import Call
from .state import State

_MODELS = {"claude-3-haiku": "claude", "claude-3-5-sonnet": "claude", "gpt-4o": "ccrouter", "droid-core": "droid"}
"""The ChatServer's models and the provider of each."""
_DATED_MODELS = {"claude-3-5-sonnet": "claude-3-5-sonnet-20241022"}
"""The exact name that a completion answers with where it is not the requested one, as real services do."""
_TITLE_LENGTH = 60
_PIECES = re.compile(r"\s*\S+|\s+")


@dataclass(slots=True)
class _Session:
    id: str
    user_id: str
    model: str
    metadata: Json
    created_at: str
    updated_at: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    messages: list[Json] = field(default_factory=list)

    def add(self, role: str, content: str) -> None:
        index = len(self.messages)
        message = {"id": f"{self.id}-{index}", "session_id": self.id, "message_index": index, "metadata": {}}
        message |= {"role": role, "content": content, "tokens": _tokens(content)}
        self.messages.append({**message, "created_at": self.updated_at, "updated_at": self.updated_at})

    def summary(self) -> Json:
        question = next((message["content"] for message in self.messages if message["role"] == "user"), None)
        organization = self.metadata.get("organization_id")
        return {
            "id": self.id,
            "user_id": self.user_id,
            "organization_id": organization if isinstance(organization, str) else None,
            "title": question and question[:_TITLE_LENGTH],
            "model": self.model,
            "agent_type": _MODELS.get(self.model),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "last_message_at": self.updated_at,
            "message_count": len(self.messages),
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "tokens_total": self.tokens_in + self.tokens_out,
            "metadata": self.metadata,
            "archived": False,
        }


class Chat:
    """An OpenAI-like service that repeats the last message, and remembers it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._random = Random(state.settings.seed)
        self._sessions: dict[str, _Session] = {}
        self._admins: dict[str, Json] = {}
        self._audit: list[Json] = []
        self._requests = 0
        self._add_admin("user_sandbox_admin", "admin@example.com", "Sandbox Admin")

    def create_chat_completion(self, call: Call) -> Json:
        given = call.arguments
        session = self._session(given)
        self._requests += 1
        questions = [message["content"] for message in given["messages"] if message["role"] == "user"]
        words = _PIECES.findall(f"Echo: {questions[-1] if questions else given['messages'][-1]['content']}")
        pieces = words[: int(given["max_tokens"])]
        content = "".join(pieces)
        tokens = sum(_tokens(message["content"]) for message in given["messages"]) + _tokens(given["system_prompt"])
        message = {"role": "assistant", "content": content}
        session.updated_at = self._now()
        for said in (*given["messages"], message):
            session.add(said["role"], said["content"])
        session.tokens_in += tokens
        session.tokens_out += len(pieces)
        self._sessions.pop(session.id, None)
        self._sessions[session.id] = session  # the latest is the last
        self._log("chat.completion", session.id, "member" if call.is_member else "admin")
        finish_reason = "stop" if len(pieces) == len(words) else "length"
        return {
            "id": f"chatcmpl-{self._requests}",
            "object": "chat.completion",
            "created": int(self._state.epoch(self._state.now())),
            "model": _DATED_MODELS.get(given["model"], given["model"]),
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {
                "prompt_tokens": tokens,
                "completion_tokens": len(pieces),
                "total_tokens": tokens + len(pieces),
            },
            "system_fingerprint": session.id,
        }

    def list_models(self, _call: Call) -> Json:
        created = int(self._state.epoch(0.0))
        models = [
            {"id": name, "object": "model", "created": created, "owned_by": provider, "provider": provider}
            for name, provider in _MODELS.items()
        ]
        return {"object": "list", "data": models}

    def list_sessions(self, call: Call) -> Json:
        user_id = call.arguments["user_id"]
        page = call.page([session for session in reversed(self._sessions.values()) if session.user_id == user_id])
        return {**page, "sessions": [session.summary() for session in page["sessions"]]}

    def get_session(self, call: Call) -> Json:
        session = self._stored(call.arguments["session_id"], call.arguments["user_id"])
        return {"session": session.summary(), "messages": session.messages}

    def get_platform_stats(self, call: Call) -> Json:
        self._require_admin(call)
        users = {session.user_id for session in self._sessions.values()} - {""}
        return {"total_users": len(users), "active_users": len(users), "total_requests": self._requests}

    def list_admins(self, call: Call) -> Json:
        self._require_admin(call)
        return {"admins": list(self._admins.values()), "count": len(self._admins)}

    def add_admin(self, call: Call) -> Json:
        self._require_admin(call)
        admin = self._add_admin(*(call.arguments[name] for name in ("workos_id", "email", "name")))
        return {"success": True, "message": "Admin added.", "admin": admin}

    def remove_admin(self, call: Call) -> Json:
        self._require_admin(call)
        admin = self._admins.pop(call.arguments["email"], None)
        if admin is None:
            raise ApiError(404, "Admin not found.")
        self._log("admin.removed", admin["email"])
        return {"success": True, "message": "Admin removed.", "admin": admin}

    def get_audit_log(self, call: Call) -> Json:
        self._require_admin(call)
        return call.page(self._audit[::-1])

    def _require_admin(self, call: Call) -> None:
        if call.is_member or not self._state.settings.admin:
            raise ApiError(403, "Platform admin access required.")

    def _add_admin(self, workos_id: str, email: str, name: str) -> Json:
        admin = {"workos_id": workos_id, "email": email, "name": name, "created_at": self._now()}
        self._admins[email] = admin
        self._log("admin.added", email)
        return admin

    def _session(self, given: Json) -> _Session:
        """Return the session that a request continues, or a new one."""
        metadata: Json = given["metadata"] or {}
        user = given["user"] or metadata.get("user_id")
        user_id = user if isinstance(user, str) else ""
        if metadata.get("session_id") is not None:
            session = self._stored(metadata["session_id"], user_id)
            session.metadata.update(metadata)
            return session
        session_id = str(UUID(int=self._random.getrandbits(128), version=4))
        return _Session(session_id, user_id, given["model"], dict(metadata), self._now())

    def _stored(self, session_id: Any, user_id: str) -> _Session:
        session = self._sessions.get(session_id) if isinstance(session_id, str) else None
        if session is None or session.user_id != user_id:
            raise ApiError(404, "Session not found.")
        return session

    def _log(self, action: str, resource: str, actor: str = "admin") -> None:
        entry = {"id": f"audit-{len(self._audit) + 1}", "timestamp": self._now(), "action": action}
        self._audit.append({**entry, "resource": resource, "actor": actor, "details": None})

    def _now(self) -> str:
        return self._state.stamp(self._state.now())


def _tokens(text: str | None) -> int:
    return len((text or "").split())


def stream_events(completion: Json) -> Iterator[bytes]:
    """Yield the server-sent events that stream a whole completion, word by word, the usage in the last chunk."""
    deltas: list[tuple[int, Json, str | None]] = []
    for choice in completion["choices"]:
        index, content = choice["index"], choice["message"].get("content") or ""
        deltas.append((index, {**choice["message"], "content": ""}, None))
        deltas += [(index, {"content": piece}, None) for piece in _PIECES.findall(content)]
        deltas.append((index, {}, choice.get("finish_reason")))
    for position, (index, delta, finish_reason) in enumerate(deltas, 1):
        chunk = {**completion, "object": "chat.completion.chunk"}
        chunk["choices"] = [{"index": index, "delta": delta, "finish_reason": finish_reason}]
        chunk["usage"] = completion.get("usage") if position == len(deltas) else None
        yield b"data: " + dumps(chunk) + b"\n\n"
    yield b"data: [DONE]\n\n"
