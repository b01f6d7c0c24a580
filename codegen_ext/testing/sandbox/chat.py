"""The ChatServer: completions, stored sessions and administration; each public method is the operation of its name."""

# ruff: noqa: ARG002, D102 - the contract says what each operation takes and does

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from . import fixtures
from .reading import Call
from .timing import Timeline
from .wire import Answer, ApiError, Json, dumps
from .world import Settings

_TITLE_LENGTH = 60


@dataclass(slots=True)
class _Session:
    id: str
    user_id: str
    created_at: str
    model: str
    organization_id: str | None
    metadata: Json
    updated_at: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    messages: list[Json] = field(default_factory=list)

    def add(self, role: str, content: str, at: str) -> None:
        index = len(self.messages)
        self.messages.append(
            {
                "id": f"{self.id}-{index}",
                "session_id": self.id,
                "message_index": index,
                "role": role,
                "content": content,
                "metadata": {},
                "tokens": _tokens(content),
                "created_at": at,
                "updated_at": at,
            }
        )

    def summary(self) -> Json:
        asked = next((message["content"] for message in self.messages if message["role"] == "user"), None)
        return {
            "id": self.id,
            "user_id": self.user_id,
            "organization_id": self.organization_id,
            "title": asked and asked[:_TITLE_LENGTH],
            "model": self.model,
            "agent_type": fixtures.model_ids().get(self.model),
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


@dataclass(frozen=True, slots=True)
class _Completion:
    id: str
    model: str
    created: int
    session_id: str
    pieces: list[str]
    finish_reason: str
    usage: Json

    def as_json(self) -> Json:
        message = {"role": "assistant", "content": "".join(self.pieces)}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return self._document("chat.completion", choice, self.usage)

    def events(self) -> Iterator[bytes]:
        deltas: list[Json] = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in self.pieces), {}]
        for index, delta in enumerate(deltas, 1):
            last = index == len(deltas)
            choice = {"index": 0, "delta": delta, "finish_reason": self.finish_reason if last else None}
            document = self._document("chat.completion.chunk", choice, self.usage if last else None)
            yield b"data: " + dumps(document) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def _document(self, kind: str, choice: Json, usage: Json | None) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": usage,
            "system_fingerprint": self.session_id,
        }


class Chat:
    """An OpenAI-like service that says what it is told, and remembers it."""

    def __init__(self, settings: Settings, timeline: Timeline) -> None:
        self._settings = settings
        self._timeline = timeline
        self._random = Random(settings.seed)
        self._sessions: dict[str, _Session] = {}
        self._admins: dict[str, Json] = {}
        self._audit: list[Json] = []
        self._requests = 0
        self._admit_admin("user_sandbox_admin", "admin@example.com", "Sandbox Admin")

    def create_chat_completion(self, call: Call) -> Json | Answer:
        body = call.body
        session = self._session(body)
        self._requests += 1
        said = [message["content"] for message in body["messages"] if message["role"] == "user"]
        words = re.findall(r"\s*\S+|\s+", f"Echo: {said[-1] if said else body['messages'][-1]['content']}")
        pieces = words[: int(body["max_tokens"])]
        tokens_in = sum(_tokens(message["content"]) for message in body["messages"]) + _tokens(body["system_prompt"])
        self._remember(session, body["messages"], "".join(pieces), tokens_in, len(pieces))
        self._note("chat.completion", session.id, "member" if call.is_member else "admin")
        completion = _Completion(
            f"chatcmpl-{self._requests}",
            body["model"],
            int(self._timeline.epoch(self._timeline.now())),
            session.id,
            pieces,
            "stop" if len(pieces) == len(words) else "length",
            {"prompt_tokens": tokens_in, "completion_tokens": len(pieces), "total_tokens": tokens_in + len(pieces)},
        )
        if body["stream"]:
            headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
            return Answer(200, completion.events(), headers)
        return completion.as_json()

    def list_models(self, call: Call) -> Json:
        created = int(self._timeline.epoch(0.0))
        models = [
            {"id": name, "object": "model", "created": created, "owned_by": provider, "provider": provider}
            for name, provider in fixtures.model_ids().items()
        ]
        return {"object": "list", "data": models}

    def list_sessions(self, call: Call) -> Json:
        user_id, number, size = (call.parameters[name] for name in ("user_id", "page", "page_size"))
        sessions = [session for session in reversed(self._sessions.values()) if session.user_id == user_id]
        shown = sessions[(number - 1) * size : number * size]
        return {
            "sessions": [session.summary() for session in shown],
            "total": len(sessions),
            "page": number,
            "page_size": size,
            "has_more": number * size < len(sessions),
        }

    def get_session(self, call: Call) -> Json:
        session = self._stored(call.parameters["session_id"], call.parameters["user_id"])
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
        admin = self._admit_admin(call.body["workos_id"], call.body["email"], call.body["name"])
        return {"success": True, "message": "Admin added.", "admin": admin}

    def remove_admin(self, call: Call) -> Json:
        self._require_admin(call)
        email = call.parameters["email"]
        if email not in self._admins:
            raise ApiError(404, "Admin not found.")
        admin = self._admins.pop(email)
        self._note("admin.removed", email)
        return {"success": True, "message": "Admin removed.", "admin": admin}

    def get_audit_log(self, call: Call) -> Json:
        self._require_admin(call)
        limit, offset = call.parameters["limit"], call.parameters["offset"]
        entries = self._audit[::-1][offset : offset + limit]
        return {"entries": entries, "total": len(self._audit), "limit": limit, "offset": offset}

    def _require_admin(self, call: Call) -> None:
        if call.is_member or not self._settings.admin:
            raise ApiError(403, "Platform admin access required.")

    def _admit_admin(self, workos_id: str, email: str, name: str) -> Json:
        admin = {"workos_id": workos_id, "email": email, "name": name, "created_at": self._now()}
        self._admins[email] = admin
        self._note("admin.added", email)
        return admin

    def _session(self, body: Json) -> _Session:
        """Return the session that a request continues, or a new one."""
        metadata: Json = body["metadata"] or {}
        user = body["user"] or metadata.get("user_id")
        user_id = user if isinstance(user, str) else ""
        if metadata.get("session_id") is not None:
            session = self._stored(metadata["session_id"], user_id)
            session.metadata.update(metadata)
            return session
        organization = metadata.get("organization_id")
        return _Session(
            str(UUID(int=self._random.getrandbits(128), version=4)),
            user_id,
            self._now(),
            body["model"],
            organization if isinstance(organization, str) else None,
            dict(metadata),
        )

    def _stored(self, session_id: Any, user_id: str) -> _Session:
        session = self._sessions.get(session_id) if isinstance(session_id, str) else None
        if session is None or session.user_id != user_id:
            raise ApiError(404, "Session not found.")
        return session

    def _remember(self, session: _Session, asked: list[Json], answer: str, tokens_in: int, tokens_out: int) -> None:
        at = self._now()
        for message in asked:
            session.add(message["role"], message["content"], at)
        session.add("assistant", answer, at)
        session.tokens_in += tokens_in
        session.tokens_out += tokens_out
        session.updated_at = at
        self._sessions.pop(session.id, None)
        self._sessions[session.id] = session  # the latest is the last

    def _note(self, action: str, resource: str, actor: str = "admin") -> None:
        self._audit.append(
            {
                "id": f"audit-{len(self._audit) + 1}",
                "timestamp": self._now(),
                "action": action,
                "resource": resource,
                "actor": actor,
                "details": None,
            }
        )

    def _now(self) -> str:
        return self._timeline.stamp(self._timeline.now())


def _tokens(text: str | None) -> int:
    return len((text or "").split())
