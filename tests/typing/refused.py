"""Mistakes that users' editors show; the comment at each line is the error that mypy must report there."""

from codegen_ext import (
    Agent,
    AsyncAgent,
    AsyncCodegenClient,
    ChatServerClient,
    ClientConfig,
    CodegenClient,
    CodexClient,
    ValidationError,
    WebhookHandler,
)
from codegen_ext.webhooks import RunFailed


def settings() -> None:
    ClientConfig(api_tokn="abc")  # error: call-arg
    ClientConfig(timeout="5")  # error: arg-type
    ClientConfig("abc")  # error: call-arg
    ClientConfig().tiemout = 5  # error: attr-defined


def agents(agent: Agent) -> None:
    task = agent.run("hello")
    print(task.reslt)  # error: attr-defined
    print(task.run.reslt)  # error: attr-defined
    task.id = 5  # error: misc
    agent.run(5)  # error: arg-type
    agent.run("hello", priorty="high")  # error: call-arg
    agent.run("hello", priority="hihg")  # error: arg-type
    agent.run("hello", images="a.png", branch=5)  # error: arg-type
    agent.run("hello", None, None, "owner/repo")  # error: call-arg
    task.wait(timeout="5")  # error: arg-type
    task.wait(progress_callback=5)  # error: arg-type


def clients(client: CodegenClient) -> None:
    run = client.get_agent_run(323, 1)
    print(run.sumary)  # error: attr-defined
    print(run.result.upper())  # error: union-attr
    client.get_agent_run(323)  # error: call-arg
    client.get_agent_run(323, 1.5)  # error: arg-type
    client.get_agent_rnu(323, 1)  # error: attr-defined
    client.list_agent_runs(323, limit="5")  # error: arg-type
    client.create_agent_run(323, "hello", metadata=[1])  # error: arg-type
    client.list_agent_runs(323, source_type="APY")  # error: arg-type
    client.iter_pages("get_user")  # error: call-overload
    print(client.get_users(323).itmes)  # error: attr-defined
    client.stream_chat_completion("m", [])  # error: attr-defined


async def async_clients(client: AsyncCodegenClient, agent: AsyncAgent) -> None:
    print(client.get_agent_run(323, 1).id)  # error: attr-defined
    task = await agent.run("hello")
    for entry in task.stream_logs():  # error: attr-defined
        print(entry)
    print((await task.wait()).reslt)  # error: attr-defined


def errors(error: ValidationError) -> None:
    print(error.retry_after)  # error: attr-defined


def chat(client: ChatServerClient) -> None:
    client.create_completion("m")  # error: call-overload
    client.create_completion("m", ["x"], session="s")  # error: call-overload
    client.create_completion("m", [5])  # error: list-item
    client.session("u").send("x", stream=True)  # error: call-arg
    client.session.get("/")  # error: attr-defined


def webhooks(handler: WebhookHandler) -> None:
    WebhookHandler()  # error: call-arg
    WebhookHandler(7)  # error: arg-type

    @handler.on("agent_run.failed")
    def failed(payload: RunFailed) -> None:
        print(payload["reason"])  # error: typeddict-item

    handler.on("agent_run.completed")(failed)  # error: arg-type
    print(handler.handle_request(b"", {}).stauts)  # error: attr-defined


def codex(client: CodexClient) -> None:
    client.chat.completions.create(messages=[], temprature=1)  # error: call-overload
    print(client.models.list().dat)  # error: attr-defined
