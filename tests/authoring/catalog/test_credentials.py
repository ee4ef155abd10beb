"""Credentials, assertions and tenants over HTTP: success, refusal, an expired token, an unknown outcome."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from authoring.calls import CallKind
from authoring.client import Client
from authoring.errors import ApiError, LoginError, OutcomeUnknownError, RefusedError
from authoring.platform.credentials import Award, Credentials, CredentialWish
from authoring.platform.people import NewUser, People
from authoring.platform.tenants import Launch, Tenants
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, SandboxServer
from authoring.settings import Secret, Target, sandbox_target
from tests.authoring.catalog.conftest import COURSE

PASSWORD = Secret("tenant-password-Vb29")
LAUNCH = Launch("acme", "Acme", "acme-admin", "admin@acme.example.com", PASSWORD)
LOST = (FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.TRUNCATED, FaultKind.HTML)


@pytest.fixture
def credentials(client: Client) -> Credentials:
    return Credentials(client)


@pytest.fixture
def wish(credentials: Credentials) -> CredentialWish:
    issuer = credentials.find_issuer("sandbox")
    assert issuer is not None
    return CredentialWish(
        name="Data badge", issuer=issuer.entityId, public=True, courses=[COURSE], metadata={"a": 1}, description="d"
    )


def test_issuers(credentials: Credentials, server: SandboxServer) -> None:
    issuer = credentials.find_issuer("sandbox")
    assert issuer is not None and credentials.list_issuers() == (issuer,)
    assert credentials.find_issuer(issuer.entityId) == issuer and credentials.find_issuer("nobody") is None
    assert server.requests[-1].path == "/api/credentials/orgs/sandbox/users/sandbox/issuers/nobody"
    with pytest.raises(LoginError):
        Credentials(credentials._client, "other").list()
    with pytest.raises(RefusedError, match="nothing was sent"):
        credentials.find_issuer("a/b")


def test_a_credential_is_made_once(credentials: Credentials, wish: CredentialWish, server: SandboxServer) -> None:
    made = credentials.create(wish)
    assert made.created and not made.not_taken and not made.notes
    server.expire_tokens()
    again = credentials.create(wish)
    assert not again.created and again.record.entityId == made.record.entityId
    assert credentials.read(made.record.entityId) is not None and credentials.read("none") is None
    assert [row.entityId for row in credentials.list(search="data", course=COURSE)] == [made.record.entityId]
    assert len(server.rows("credential")) == 1


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("public", [True, False])
def test_a_lost_answer_makes_no_second_credential(
    kind: FaultKind, public: bool, credentials: Credentials, wish: CredentialWish, server: SandboxServer
) -> None:
    wish = wish.model_copy(update={"public": public})
    server.faults.add(Fault(kind, "create"))
    assert credentials.create(wish).created
    assert not credentials.create(wish).created and len(server.rows("credential")) == 1


def test_one_that_cannot_be_found_again_needs_a_word(
    credentials: Credentials, wish: CredentialWish, server: SandboxServer
) -> None:
    hidden = wish.model_copy(update={"public": False, "courses": None})
    with pytest.raises(RefusedError, match="nobody can look up") as refused:
        credentials.create(hidden)
    assert "--new" in str(refused.value.hint) and not server.rows("credential")
    made = credentials.create(hidden, new=True)
    assert made.created and made.notes and not credentials.list()
    assert credentials.create(hidden, [made.record.entityId]).created is False
    server.faults.add(Fault(FaultKind.RESET_AFTER, "create"))
    with pytest.raises(OutcomeUnknownError):
        credentials.create(hidden, new=True)


def test_where_exports_are_closed_a_hidden_credential_is_refused(tmp_path: Path) -> None:
    with (
        SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, exports_closed=True)) as server,
        Client(sandbox_target(server.url)) as client,
    ):
        credentials = Credentials(client)
        issuer = credentials.find_issuer("sandbox")
        assert issuer is not None and credentials.export_course(COURSE) is None
        with pytest.raises(RefusedError, match="nothing was sent"):
            credentials.create(CredentialWish(name="B", issuer=issuer.entityId, public=False, courses=[COURSE]))


def test_lists_are_read_to_their_end(credentials: Credentials, wish: CredentialWish, server: SandboxServer) -> None:
    for number in range(101):
        body = {"name": f"N{number}", "issuer": wish.issuer, "public": True}
        credentials._client.send(credentials._call(CallKind.CREATE, "POST", "", body))
    assert len(credentials.list()) == 101
    credentials._client.send(credentials._call(CallKind.CREATE, "POST", "", {**body, "name": "N7"}))
    with pytest.raises(RefusedError, match="several"):
        credentials.create(CredentialWish(name="N7", issuer=wish.issuer, public=True))


def test_a_credential_is_changed_and_deleted(credentials: Credentials, wish: CredentialWish, ada: str) -> None:
    entity_id = credentials.create(wish).record.entityId
    changed = credentials.update(entity_id, {"name": "Badge", "metadata": {"b": 2}})
    assert changed.record.name == "Badge" and not changed.not_taken
    for ignored in ({"public": False}, {"courses": []}, {}):
        with pytest.raises(RefusedError, match="nothing was sent"):
            credentials.update(entity_id, ignored)
    assertion = credentials.issue(entity_id, ada, Award(course=COURSE)).record
    with pytest.raises(RefusedError, match="409"):
        credentials.delete(entity_id)
    credentials.revoke(assertion.entityId, "a mistake")
    assert credentials.delete(entity_id) is True and credentials.delete(entity_id) is False


def test_an_assertion_is_given_once(
    credentials: Credentials, wish: CredentialWish, ada: str, server: SandboxServer
) -> None:
    entity_id = credentials.create(wish).record.entityId
    given = credentials.issue(entity_id, ada, Award(course=COURSE), email="ada@example.com", metadata={"m": 1})
    assert given.created and credentials.read_public(given.record.entityId) is not None
    assert not credentials.issue(entity_id, ada, Award(course=COURSE)).created
    assert credentials.list_assertions(ada, course=COURSE)[0].entityId == given.record.entityId
    assert credentials.list_assertions("bob") == ()
    with pytest.raises(RefusedError, match="give a reason"):
        credentials.revoke(given.record.entityId, " ")
    assert credentials.revoke(given.record.entityId, "a mistake").revoked
    assert credentials.read_public(given.record.entityId) is None and credentials.list_assertions(ada) == ()
    assert len(credentials.list_assertions(ada, revoked=True)) == 1
    assert credentials.issue(entity_id, ada, Award(program="P1")).created
    assert len(server.rows("assertion")) == 2
    with pytest.raises(RefusedError, match="no such user"):
        credentials.issue(entity_id, "nobody", Award(course=COURSE))
    for award in ({}, {"course": COURSE, "program": "P1"}):
        with pytest.raises(RefusedError, match="nothing was sent"):
            Award(**award)


@pytest.mark.parametrize("kind", LOST)
def test_a_lost_answer_gives_no_second_assertion(
    kind: FaultKind, credentials: Credentials, wish: CredentialWish, ada: str, server: SandboxServer
) -> None:
    entity_id = credentials.create(wish).record.entityId
    server.faults.add(Fault(kind, "create", path="assertions"))
    assert credentials.issue(entity_id, ada, Award(course=COURSE)).created
    assert len(server.rows("assertion")) == 1
    server.faults.add(Fault(FaultKind.RESET_BEFORE, "create", path="assertions"))
    with pytest.raises(OutcomeUnknownError):
        credentials.issue(entity_id, ada, Award(pathway="p"))
    assert len(server.rows("assertion")) == 1


def test_a_failure_inside_a_success_is_a_refusal(target: Target) -> None:
    def failing(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": {"success": False, "description": "No quota"}, "result": None})

    with httpx.Client(transport=httpx.MockTransport(failing)) as http, Client(_keyed(target), http=http) as client:
        for act in (
            lambda: Credentials(client).list(),
            lambda: Credentials(client).read("x"),
            lambda: Credentials(client).delete("x"),
        ):
            with pytest.raises(RefusedError, match="No quota"):
                act()


def _keyed(target: Target) -> Target:
    return replace(target, api_key=Secret("sandbox"), manager_oauth=None)


# -- tenants ------------------------------------------------------------------------------------------------------------


def test_a_tenant_is_launched(client: Client, server: SandboxServer) -> None:
    result = Tenants(client).launch(replace(LAUNCH, role="org-instructor"))
    assert result.complete and result.launched.org == "acme" and len(result.there) == 4 and not result.notes
    assert PASSWORD.reveal() not in str(result.to_json())
    with pytest.raises(RefusedError, match="nothing was sent"):
        Tenants(client).launch(LAUNCH)
    assert [request.kind for request in server.requests if "launch" in request.path] == ["create"]


def test_a_tenant_that_is_partly_there_is_told_and_not_launched_again(tmp_path: Path) -> None:
    with (
        SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, launches_partly=True)) as server,
        Client(sandbox_target(server.url)) as client,
    ):
        result = Tenants(client).launch(LAUNCH)
        assert not result.complete and "org: acme" in result.there and len(server.rows("tenant")) == 1
        assert result.launched.message == {"error": "The administrator could not be made."}
        taken = Tenants(client).launch(replace(LAUNCH, username="other", email="o@example.com"))
        assert not taken.complete and len([row for row in server.requests if "launch" in row.path]) == 2


@pytest.mark.parametrize("kind", [*LOST, FaultKind.RESET_BEFORE])
def test_a_launch_of_unknown_outcome_is_not_repeated(kind: FaultKind, client: Client, server: SandboxServer) -> None:
    server.faults.add(Fault(kind, "create"))
    with pytest.raises(OutcomeUnknownError) as caught:
        Tenants(client).launch(LAUNCH)
    assert f"administrator is {'not ' if kind is FaultKind.RESET_BEFORE else ''}there" in caught.value.message
    assert len([row for row in server.requests if "launch" in row.path]) == 1
    assert PASSWORD.reveal() not in f"{caught.value} {caught.value.hint}"


def test_an_administrator_who_is_there_is_allowed_or_refused(client: Client, server: SandboxServer) -> None:
    People(client).create_user(NewUser(LAUNCH.username, LAUNCH.email, PASSWORD))
    with pytest.raises(RefusedError, match="already"):
        Tenants(client).launch(LAUNCH)
    assert Tenants(client).launch(replace(LAUNCH, ignore_user_exists=True)).complete
    with pytest.raises(RefusedError, match="key"):
        Tenants(client).launch(replace(LAUNCH, key=" "))


@pytest.mark.parametrize("status", [417, 500])
def test_a_message_that_repeats_the_password_is_cleaned(status: int, target: Target) -> None:
    def echoing(request: httpx.Request) -> httpx.Response:
        if "launch" not in request.url.path:
            return httpx.Response(404)
        said = {"message": {"sent": [PASSWORD.reveal()]}, "success": False, "org": "acme", "data": PASSWORD.reveal()}
        return httpx.Response(status, json=said)

    with httpx.Client(transport=httpx.MockTransport(echoing)) as http, Client(_keyed(target), http=http) as client:
        try:
            said = str(Tenants(client).launch(LAUNCH))
        except ApiError as error:
            said = f"{error} {error.hint}"
    assert PASSWORD.reveal() not in said


def test_a_417_that_is_no_json_is_a_refusal(target: Target) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        return httpx.Response(417, text="<html>Expectation failed</html>")

    with (
        httpx.Client(transport=httpx.MockTransport(page)) as http,
        Client(_keyed(target), http=http) as client,
        pytest.raises(RefusedError, match="417"),
    ):
        client.send(Tenants(client).launch_call(LAUNCH))
