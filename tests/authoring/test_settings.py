"""Which target is chosen, how files and environment go together, and that secrets stay secret."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from authoring.calls import Service
from authoring.errors import SettingsError
from authoring.settings import (
    DialectName,
    PdfBlock,
    ScormUpload,
    Secret,
    Target,
    load_target,
    sandbox_target,
    secrets_of,
)

SESSION = {"IBL_STUDIO_SESSION": "1|abc|def", "IBL_STUDIO_CSRF": "token"}
CLIENT = {"IBL_CLIENT_ID": "id", "IBL_CLIENT_SECRET": "client-secret", "IBL_LMS_URL": "https://lms.test"}
CMS = {"IBL_CMS_URL": "https://studio.test"}
STAGING = '[targets.staging]\ncms_url = "https://studio.staging.test"\n'


class Place:
    """A course folder and a user's config folder."""

    def __init__(self, root: Path) -> None:
        self.course, self.user = root / "course", root / "config"
        self.course.mkdir()
        self.user.mkdir()

    def write(self, text: str, *, user: bool = False) -> None:
        ((self.user if user else self.course) / "authoring.toml").write_text(text, "utf-8")

    def load(self, name: str | None = None, environ: Mapping[str, str] = SESSION) -> Target | None:
        return load_target(name, self.course, environ, user_dir=self.user)

    def target(self, name: str | None = None, environ: Mapping[str, str] = SESSION) -> Target:
        found = self.load(name, environ)
        assert found is not None
        return found

    def refusal(self, name: str | None = None, environ: Mapping[str, str] = SESSION) -> SettingsError:
        with pytest.raises(SettingsError) as caught:
            self.load(name, environ)
        assert caught.value.hint
        return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# -- which target ------------------------------------------------------------------------------------------------------


def test_without_any_settings_it_is_the_sandbox(place: Place) -> None:
    assert place.load(environ={}) is None


def test_a_target_that_nobody_chose_is_not_taken(place: Place) -> None:
    place.write(STAGING)
    assert place.load() is None


def test_a_target_is_chosen_by_name(place: Place) -> None:
    place.write(STAGING)
    assert place.target("staging").cms_url == "https://studio.staging.test"


def test_a_default_is_chosen_without_a_name(place: Place) -> None:
    place.write('default = "staging"\n' + STAGING)
    assert place.target().name == "staging"
    assert place.load("sandbox") is None


def test_the_users_own_targets_are_known_and_the_courses_come_first(place: Place) -> None:
    place.write('default = "mine"\n[targets.mine]\ncms_url = "https://mine.test"\n' + STAGING, user=True)
    assert place.target("staging").cms_url == "https://studio.staging.test"
    place.write('default = "staging"\n[targets.staging]\ncms_url = "https://nearer.test"\n')
    assert place.target().cms_url == "https://nearer.test"
    assert place.target("mine").cms_url == "https://mine.test"


def test_the_address_in_the_environment_is_the_target(place: Place) -> None:
    place.write('default = "staging"\n' + STAGING)
    target = place.target(environ=CMS | SESSION)
    assert (target.name, target.cms_url) == ("environment", "https://studio.test")


def test_the_environment_takes_the_settings_of_the_target_with_its_address(place: Place) -> None:
    place.write('[targets.prod]\ncms_url = "https://STUDIO.test/"\ndialect = "studio"\n')
    target = place.target(environ=CMS | SESSION)
    assert (target.name, target.dialect) == ("prod", DialectName.STUDIO)
    assert place.target("prod", CMS | SESSION) == target


def test_two_different_targets_at_once_are_refused(place: Place) -> None:
    """A staging push must never land on production because a variable is still set."""
    place.write(STAGING)
    error = place.refusal("staging", CMS | SESSION)
    assert "https://studio.test" in error.message
    assert "https://studio.staging.test" in error.message


def test_the_sandbox_can_always_be_asked_for(place: Place) -> None:
    assert place.load("sandbox", CMS | SESSION) is None


def test_an_unknown_name_is_told_with_the_known_ones(place: Place) -> None:
    place.write(STAGING)
    error = place.refusal("stagign")
    assert "staging" in error.message
    assert error.hint == "did you mean 'staging'?"
    assert "targets.other" in (place.refusal("other").hint or "")


def test_a_default_that_is_not_configured_is_told(place: Place) -> None:
    place.write('default = "prod"\n')
    assert "default target 'prod'" in place.refusal().message


# -- what it holds -----------------------------------------------------------------------------------------------------


def test_every_variable_is_understood(place: Place) -> None:
    environ = {
        **CMS,
        **CLIENT,
        **SESSION,
        "IBL_MANAGER_URL": "https://manager.test/dm/",
        "IBL_ASGI_URL": "wss://asgi.test",
        "IBL_MANAGER_CLIENT_ID": "dm-id",
        "IBL_MANAGER_CLIENT_SECRET": "dm-secret",
        "IBL_PLATFORM_API_KEY": "api-key",
        "IBL_TENANT": "acme",
        "IBL_USERNAME": "ann",
    }
    target = place.target(environ=environ)
    assert target.url(Service.CMS) == "https://studio.test"
    assert target.url(Service.LMS) == "https://lms.test"
    assert target.url(Service.MANAGER) == "https://manager.test/dm"
    assert target.asgi_url == "wss://asgi.test"
    assert target.oauth is not None
    assert (target.oauth.client_id, target.oauth.client_secret.reveal()) == ("id", "client-secret")
    assert target.session is not None
    assert (target.session.session.reveal(), target.session.csrf.reveal()) == ("1|abc|def", "token")
    assert target.manager_oauth is not None
    assert target.manager_oauth.token_path == "/oauth/token/"
    assert target.api_key == Secret("api-key")
    assert (target.tenant, target.username) == ("acme", "ann")
    assert target.has_stock_routes


def test_every_key_of_a_file_is_understood(place: Place) -> None:
    place.write(
        """
        [targets.staging]
        cms_url = "https://studio.staging.test"
        lms_url = "https://staging.test"
        manager_url = "https://manager.staging.test"
        asgi_url = "wss://asgi.staging.test"
        dialect = "ibl"
        client_id = "authoring"
        client_secret_env = "STAGING_SECRET"
        studio_session_env = "STAGING_SESSION"
        studio_csrf_env = "STAGING_CSRF"
        session_cookie = "sessionid"
        tenant = "acme"
        username = "ann"
        scorm_category = "scormxblock"
        scorm_upload = "json"
        pdf_block = "url"
        component_create = false
        stock_routes = false
        timeout = 12
        """
    )
    environ = {"STAGING_SECRET": "s3cr3t", "STAGING_SESSION": "1|x", "STAGING_CSRF": "y"}
    target = place.target("staging", environ)
    assert target.oauth is not None
    assert (target.oauth.client_id, target.oauth.client_secret.reveal()) == ("authoring", "s3cr3t")
    assert target.session is not None
    assert (target.session.session.reveal(), target.session.cookie) == ("1|x", "sessionid")
    options = target.options
    assert (options.scorm_category, options.scorm_upload) == ("scormxblock", ScormUpload.JSON)
    assert (options.pdf_block, options.component_create, options.timeout) == (PdfBlock.URL, False, 12.0)
    assert not target.has_stock_routes


def test_variables_override_the_file(place: Place) -> None:
    place.write(STAGING + 'lms_url = "https://file.test"\ntenant = "file"\n')
    target = place.target("staging", SESSION | {"IBL_LMS_URL": "https://variable.test", "IBL_TENANT": "variable"})
    assert (target.lms_url, target.tenant) == ("https://variable.test", "variable")


def test_each_kind_of_platform_has_its_usual_blocks(place: Place) -> None:
    ibl = place.target(environ=CMS | SESSION).options
    assert (ibl.scorm_category, ibl.pdf_block) == ("ibl_openedx_scorm_xblock", PdfBlock.HREF)
    stock = place.target(environ=CMS | SESSION | {"IBL_DIALECT": "studio"}).options
    assert (stock.scorm_category, stock.pdf_block) == ("scorm", PdfBlock.URL)


def test_the_lock_file_knows_a_target_by_its_address(place: Place) -> None:
    assert (
        place.target(environ={**SESSION, "IBL_CMS_URL": "HTTPS://Studio.Test:443/"}).identity == "https://studio.test"
    )
    assert sandbox_target("http://127.0.0.1:5000").identity == "sandbox"
    assert sandbox_target("http://127.0.0.1:6000").identity == "sandbox"


# -- what is wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("studio.test", "is not an address"),
        ("ftp://studio.test", "is not an address"),
        ("https://", "is not an address"),
        ("https://studio.test:port", "is not an address"),
        ("https://ann:pw@studio.test", "has a login in it"),
        ("https://studio.test/?a=1", "more than an address"),
        ("https://studio .test", "more than an address"),
    ],
)
def test_a_wrong_address_is_told(place: Place, address: str, said: str) -> None:
    error = place.refusal(environ=SESSION | {"IBL_CMS_URL": address})
    assert said in error.message
    assert "IBL_CMS_URL" in error.message
    assert "pw" not in error.message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"1|abc"', "quotes"),
        ("'1|abc'", "quotes"),
        ("1|abc\n", "line break"),
        ("1|a\r\nbc", "line break"),
        ("1|abc ", "white space"),
        ("studio_session_id=1|abc", "cookie's name"),
        ("1|abc; csrftoken=x", "white space"),
        ("1|abc;csrftoken=x", "character"),
        ("1|äbc", "ASCII"),
        ("1|a\x00bc", "ASCII"),
    ],
)
def test_a_malformed_cookie_is_told_before_studio_answers_500_to_it(place: Place, value: str, said: str) -> None:
    error = place.refusal(environ=CMS | SESSION | {"IBL_STUDIO_SESSION": value})
    assert said in error.message
    assert "IBL_STUDIO_SESSION" in error.message
    assert "abc" not in error.message


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"IBL_STUDIO_SESSION": "x"}, "IBL_STUDIO_CSRF"),
        ({"IBL_STUDIO_CSRF": "x"}, "IBL_STUDIO_SESSION"),
        ({"IBL_CLIENT_ID": "x", "IBL_LMS_URL": "https://lms.test"}, "IBL_CLIENT_SECRET"),
        ({"IBL_CLIENT_SECRET": "x", "IBL_LMS_URL": "https://lms.test"}, "IBL_CLIENT_ID"),
        ({"IBL_CLIENT_ID": "x", "IBL_CLIENT_SECRET": "x"}, "IBL_LMS_URL"),
        (SESSION | {"IBL_MANAGER_CLIENT_ID": "x"}, "IBL_MANAGER_CLIENT_SECRET"),
        ({}, "IBL_STUDIO_SESSION"),
        ({"IBL_STUDIO_SESSION": "", "IBL_STUDIO_CSRF": " "}, "IBL_CLIENT_ID"),
        (CLIENT | {"IBL_DIALECT": "studio"}, "IBL_STUDIO_SESSION"),
    ],
)
def test_half_a_login_is_told_with_what_is_missing(place: Place, environ: Mapping[str, str], missing: str) -> None:
    error = place.refusal(environ=CMS | environ)
    assert missing in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('cms_ulr = "x"', "unknown key"),
        ("timeout = 0", "seconds"),
        ('timeout = "60"', "seconds"),
        ('stock_routes = "yes"', "true or false"),
        ('dialect = "moodle"', "'moodle'"),
        ('scorm_upload = "post"', "'post'"),
        ("tenant = 5", "not text"),
        ('client_secret_env = "s3cr3t!"', "not the name of an environment variable"),
        ('client_secret_env = "NOT_SET"\nclient_id = "x"\nlms_url = "https://lms.test"', "NOT_SET is not set"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(place: Place, line: str, said: str) -> None:
    place.write(STAGING + line)
    error = place.refusal("staging")
    assert said in error.message
    assert "s3cr3t" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    "key", ["client_secret", "manager_client_secret", "platform_api_key", "studio_session", "studio_csrf"]
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(place: Place, key: str) -> None:
    place.write(STAGING + f'{key} = "hunter2-hunter2"')
    error = place.refusal("staging")
    assert "does not belong in a file" in error.message
    assert f"{key}_env" in (error.hint or "")
    assert "hunter2" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[targets", "not TOML"),
        ("target = 1", "unknown key 'target'"),
        ("targets = 1", "not a table"),
        ("[targets]\nstaging = 1", "not a table"),
        ("default = 1", "not text"),
        ('[targets.sandbox]\ncms_url = "https://x.test"', "stands for the embedded sandbox"),
        ("[targets.staging]\n", "no `cms_url`"),
    ],
)
def test_a_wrong_file_is_told_with_its_name(place: Place, text: str, said: str) -> None:
    place.write(text)
    error = place.refusal("staging")
    assert said in error.message
    assert "authoring.toml" in error.message


def test_a_file_that_cannot_be_read_is_told(place: Place) -> None:
    (place.course / "authoring.toml").write_bytes(b"\xff\xfe")
    assert "UTF-8" in place.refusal().message
    (place.course / "authoring.toml").unlink()
    (place.course / "authoring.toml").mkdir()
    assert "cannot be read" in place.refusal().message


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_secrets_are_not_shown_by_anything(place: Place) -> None:
    target = place.target(environ=CMS | CLIENT | SESSION | {"IBL_PLATFORM_API_KEY": "the-api-key"})
    shown = f"{target!r} {target} {json.dumps(target.to_json())} {target.api_key}"
    known = tuple(secrets_of(target))
    assert set(known) == {"client-secret", "1|abc|def", "token", "the-api-key"}
    assert not any(f"'{secret}'" in shown for secret in known)
    assert "client-secret" not in shown
    assert "the-api-key" not in shown


def test_a_secret_is_compared_copied_and_never_stored() -> None:
    secret = Secret("x")
    assert secret == Secret("x")
    assert secret != Secret("y")
    assert secret != "x"
    assert len({secret, Secret("x")}) == 1
    assert copy.copy(replace(sandbox_target("http://x"), api_key=secret)).api_key is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
