"""The chat over a real WebSocket: sent once, ended by `eos` alone, and everything else is an error of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from authoring.client import Client
from authoring.errors import ApiError, LoginError, NonsenseError, RefusedError, UnreachableError
from authoring.platform.chat import Chat, ChatClosedError, ChatRefusedError, ChatSilenceError, EventKind, NoCreditsError
from authoring.platform.mentors import Mentors, MentorSettings
from authoring.sandbox import Fault, FaultKind, SandboxServer
from authoring.settings import Secret, Target

MakeChat = Callable[..., Chat]


@pytest.fixture
def chat(client: Client, target: Target) -> MakeChat:
    mentors = Mentors(client)
    mentors.create(MentorSettings(new_mentor_name="Tutor"))
    session = mentors.open_session("Tutor").session_id

    def make(**changes: object) -> Chat:
        return Chat(replace(target, **changes), "Tutor", session)  # type: ignore[arg-type]

    return make


def prompts(server: SandboxServer) -> list[str]:
    """The prompts that were run, each as often as it was."""
    return [row["prompt"] for row in server.rows("prompt").values()]


def test_an_answer_comes_piece_by_piece(chat: MakeChat, server: SandboxServer) -> None:
    talk = chat()
    events = list(talk.ask("What is data?"))
    kinds = [event.kind for event in events]
    assert kinds[:3] == [EventKind.CONNECTED, EventKind.STARTED, EventKind.NOTICE]
    assert kinds.count(EventKind.TEXT) == 5 and kinds[-1] is EventKind.END
    assert events[-1].text == "You asked: What is data?" == "".join(e.text for e in events if e.kind is EventKind.TEXT)
    assert [event.text for event in talk.ask("More?")][-1] == "You asked: More?"
    assert prompts(server) == ["What is data?", "More?"] and talk.sent == 2
    assert talk.stop(events[-1].generation or "")


def test_an_address_with_a_slash_at_its_end(chat: MakeChat, target: Target) -> None:
    assert list(chat(asgi_url=f"{target.asgi_url}/").ask("Hi"))[-1].kind is EventKind.END


@pytest.mark.parametrize(
    ("fault", "error", "received", "runs"),
    [
        (Fault(FaultKind.HANG_AFTER, seconds=3), ChatSilenceError, "You asked:", 1),
        (Fault(FaultKind.TRUNCATED), ChatClosedError, "You asked:", 1),
        (Fault(FaultKind.RESET_AFTER), ChatClosedError, "You asked:", 1),
        (Fault(FaultKind.RESET_BEFORE), ChatClosedError, "", 0),
        (Fault(FaultKind.ERROR_BEFORE, status=402), NoCreditsError, "", 0),
        (Fault(FaultKind.ERROR_AFTER, status=402), NoCreditsError, "You asked:", 1),
        (Fault(FaultKind.ERROR_AFTER, status=500), ChatRefusedError, "You asked:", 1),
        (Fault(FaultKind.THROTTLED), ChatRefusedError, "", 0),
        (Fault(FaultKind.UNAUTHORIZED), LoginError, None, 0),
        (Fault(FaultKind.TOKENS_EXPIRED), LoginError, None, 0),
        (Fault(FaultKind.HTML), NonsenseError, None, 1),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else None,
)
def test_nothing_but_eos_is_an_end(
    fault: Fault, error: type[ApiError], received: str | None, runs: int, chat: MakeChat, server: SandboxServer
) -> None:
    server.faults.add(replace(fault, call_kind="chat"))
    talk = chat()
    talk._silence = 0.5 if fault.kind is FaultKind.HANG_AFTER else 5.0
    kinds = []
    with pytest.raises(error) as raised:
        kinds += [event.kind for event in talk.ask("What is data?")]
    assert type(raised.value) is error
    assert EventKind.END not in kinds
    assert talk.sent == 1 and len(prompts(server)) == runs, "never sent again by itself"
    if received is not None:
        assert raised.value.received == received  # type: ignore[attr-defined]


def test_a_second_run_of_the_prompt_does_not_get_into_the_answer(chat: MakeChat, server: SandboxServer) -> None:
    server.faults.add(Fault(FaultKind.REPEATED, "chat"))
    events = list(chat().ask("What is data?"))
    assert events[-1].kind is EventKind.END and events[-1].text == "You asked: What is data?"
    assert list(chat().ask("And then?"))[-1].text == "You asked: And then?", "a second `eos` is nobody's"


def test_refusals_of_prompts(chat: MakeChat, target: Target, server: SandboxServer) -> None:
    with pytest.raises(LoginError, match="Invalid token"):
        list(chat(api_key=Secret("wrong-key-Vb44")).ask("Hi"))
    with pytest.raises(ChatRefusedError, match="Session not found"):
        list(Chat(target, "Tutor", "no-session").ask("Hi"))
    with pytest.raises(RefusedError, match="empty"):
        list(chat().ask(" "))
    with pytest.raises(RefusedError, match="asgi_url"):
        chat(asgi_url=None)
    with pytest.raises(LoginError, match="API key"):
        chat(api_key=None)
    with pytest.raises(LoginError):
        chat(api_key=Secret("wrong-key-Vb44")).stop("x")
    assert prompts(server) == []


def test_what_was_never_sent_is_unreachable(chat: MakeChat) -> None:
    talk = chat(asgi_url="ws://127.0.0.1:9")
    with pytest.raises(UnreachableError):
        list(talk.ask("Hi"))
    assert talk.sent == 0


def test_another_path_is_refused(chat: MakeChat, target: Target) -> None:
    with pytest.raises(RefusedError, match="403"):
        list(chat(asgi_url=f"{target.asgi_url}/elsewhere").ask("Hi"))
