"""The registry keeps its own laws, and says what is known of the platform."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

import pytest

from authoring.model import FieldValue
from authoring.registry import (
    CategorySpec,
    Family,
    FieldSpec,
    FieldType,
    Scope,
    canonical_category,
    canonical_field,
    categories,
    field_aliases,
    field_spec,
    fields_of,
    spec,
)
from authoring.registry.build import string, table
from authoring.registry.common import MIXED_IN

EVERY_TABLE = [pytest.param(c.own_fields.values(), id=name) for name, c in categories().items()]
EVERY_TABLE.append(pytest.param(MIXED_IN.values(), id="every block"))

EVERY_CATEGORY = [pytest.param(description, id=name) for name, description in categories().items()]


def _fits(value: FieldValue, kind: FieldType) -> bool:
    match kind:
        case FieldType.STRING | FieldType.XML:
            return isinstance(value, str)
        case FieldType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case FieldType.FLOAT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.BOOLEAN:
            return isinstance(value, bool)
        case FieldType.DATE:
            return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value))
        case FieldType.TIMEDELTA:
            return isinstance(value, str) and bool(re.fullmatch(r"(\d+ (day|hour|minute|second)s? ?)+", value))
        case FieldType.RELATIVE_TIME:
            return isinstance(value, str) and bool(re.fullmatch(r"\d\d:\d\d:\d\d", value))
        case FieldType.LIST:
            return isinstance(value, Sequence) and not isinstance(value, str)
        case FieldType.DICT:
            return isinstance(value, Mapping)


@pytest.mark.parametrize("fields", EVERY_TABLE)
def test_defaults_and_listed_values_fit_the_type(fields: Iterable[FieldSpec]) -> None:
    for field in fields:
        assert field.default is None or _fits(field.default, field.type), field.name
        assert all(_fits(value, field.type) for value in field.values), field.name


@pytest.mark.parametrize("fields", EVERY_TABLE)
def test_a_closed_list_contains_the_default(fields: Iterable[FieldSpec]) -> None:
    for field in fields:
        assert not field.values or field.default is None or field.default in field.values, field.name
        assert len(set(field.values)) == len(field.values), field.name


@pytest.mark.parametrize("fields", EVERY_TABLE)
def test_a_default_travels_through_json_unchanged(fields: Iterable[FieldSpec]) -> None:
    for field in fields:
        assert json.loads(json.dumps(field.default)) == field.default, field.name


@pytest.mark.parametrize("fields", EVERY_TABLE)
def test_every_field_is_explained_in_a_short_sentence(fields: Iterable[FieldSpec]) -> None:
    for field in fields:
        assert field.help[:1].isupper() or field.help.startswith("`"), field.name
        assert field.help.endswith((".", "…")), field.name
        assert len(field.help) <= 160, field.name


@pytest.mark.parametrize("fields", EVERY_TABLE)
def test_only_numbers_have_a_least_one_and_the_default_is_not_below_it(fields: Iterable[FieldSpec]) -> None:
    for field in fields:
        if field.minimum is not None:
            assert field.type in (FieldType.INTEGER, FieldType.FLOAT), field.name
            assert not isinstance(field.default, int | float) or field.default >= field.minimum, field.name


@pytest.mark.parametrize("fields", EVERY_TABLE)
def test_an_olx_name_is_given_only_where_it_differs(fields: Iterable[FieldSpec]) -> None:
    for field in fields:
        assert field.olx != field.name


@pytest.mark.parametrize("description", EVERY_CATEGORY)
def test_an_own_field_repeats_no_mixed_in_one(description: CategorySpec) -> None:
    for name in description.own_fields.keys() & MIXED_IN.keys():
        own, mixed_in = description.own_fields[name], MIXED_IN[name]
        assert own != mixed_in, f"{name} says nothing new"
        assert own.type is mixed_in.type
        # Inheritance goes by name: a class that redefines the field inherits it all the same.
        assert own.inheritable == mixed_in.inheritable


@pytest.mark.parametrize("description", EVERY_CATEGORY)
def test_no_two_attributes_of_olx_share_a_name(description: CategorySpec) -> None:
    attributes = [field.olx or name for name, field in fields_of(description.name).items() if field.olx != ""]
    assert len(set(attributes)) == len(attributes)


@pytest.mark.parametrize("description", EVERY_CATEGORY)
def test_the_body_is_a_text_field_in_content_scope(description: CategorySpec) -> None:
    if description.content is not None:
        field = description.own_fields[description.content]
        assert field.type in (FieldType.STRING, FieldType.XML)
        assert field.scope is Scope.CONTENT
        assert not field.authored, "the body is written as the body, not as an option"
        assert not description.children


@pytest.mark.parametrize("description", EVERY_CATEGORY)
def test_every_category_is_explained(description: CategorySpec) -> None:
    assert description.title
    assert description.help.endswith((".", "…"))


def test_own_fields_come_before_mixed_in_ones_and_take_their_place() -> None:
    fields = fields_of("problem")
    assert next(iter(fields)) == "display_name"
    assert fields["display_name"].default == "Blank Problem"
    assert set(fields) == set(categories()["problem"].own_fields) | set(MIXED_IN)
    assert fields_of("problem") is fields


def test_an_unknown_category_has_the_mixed_in_fields_only() -> None:
    assert spec("acme_quiz") is None
    assert dict(fields_of("acme_quiz")) == dict(MIXED_IN)
    assert field_spec("acme_quiz", "due") == MIXED_IN["due"]
    assert field_spec("acme_quiz", "data") is None


def test_the_registry_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        categories()["mine"] = categories()["html"]  # type: ignore[index]
    with pytest.raises(TypeError):
        fields_of("html")["mine"] = MIXED_IN["due"]  # type: ignore[index]


def test_a_field_described_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice: a"):
        table(string("a", "One."), string("a", "Two."))


def test_the_outline_and_what_hangs_beside_it() -> None:
    assert [name for name, c in categories().items() if c.direct_only] == [
        "course",
        "chapter",
        "sequential",
        "library",
        "static_tab",
        "about",
        "course_info",
        "course_update",
    ]
    assert [name for name, c in categories().items() if c.detached] == [
        "static_tab",
        "about",
        "course_info",
        "course_update",
        "custom_tag_template",
    ]
    assert {name: categories()[name].title for name in ("chapter", "sequential", "vertical")} == {
        "chapter": "section",
        "sequential": "subsection",
        "vertical": "unit",
    }


def test_known_facts_of_the_platform() -> None:
    def default(category: str, name: str) -> FieldValue:
        field = field_spec(category, name)
        assert field is not None
        return field.default

    assert field_spec("problem", "showanswer") == field_spec("sequential", "showanswer") == MIXED_IN["showanswer"]
    assert MIXED_IN["showanswer"].values == (
        "always",
        "answered",
        "attempted",
        "closed",
        "finished",
        "correct_or_past_due",
        "past_due",
        "never",
        "after_attempts",
        "after_all_attempts",
        "after_all_attempts_or_correct",
        "attempted_no_past_due",
    )
    assert default("edx_sga", "showanswer") == "past_due"
    assert default("video", "youtube_id_1_0") == "3_yD_cEKoCk"
    assert default("chapter", "start") == "2030-01-01T00:00:00Z"
    assert default("scorm", "has_score") is True
    assert default("html", "editor") == "visual"
    assert not MIXED_IN["format"].inheritable
    assert MIXED_IN["graded"].inheritable


@pytest.mark.parametrize("category", ["poll", "survey"])
def test_the_settings_of_polls_are_in_content_scope(category: str) -> None:
    fields = fields_of(category)
    assert fields["display_name"].scope is Scope.CONTENT
    assert fields["max_submissions"].scope is Scope.CONTENT
    assert fields["answers"].scope is Scope.SETTINGS


def test_how_categories_are_written_in_olx() -> None:
    pure = {name for name, c in categories().items() if c.family is Family.PURE}
    assert {"discussion", "poll", "scorm", "lti_consumer", "openassessment", "pdf"} <= pure
    assert pure.isdisjoint({"course", "vertical", "html", "problem", "video", "lti", "library_content", "itembank"})


def test_samples_of_the_platform_are_marked() -> None:
    samples = {
        f"{category}.{name}"
        for category, description in categories().items()
        for name, field in description.own_fields.items()
        if field.sample
    }
    assert {
        "video.youtube_id_1_0",
        "pdf.url",
        "poll.question",
        "annotatable.data",
        "openassessment.prompt",
    } <= samples


@pytest.mark.parametrize("category", ["scorm", "ibl_openedx_scorm_xblock", "scormxblock"])
def test_a_scorm_block_by_any_name_takes_a_package(category: str) -> None:
    description = categories()[category]
    assert description.package
    assert description.advanced_module == category
    assert description.own_fields == categories()["scorm"].own_fields


def test_components_of_the_basic_menu_need_no_advanced_module() -> None:
    basic = [
        "html",
        "problem",
        "video",
        "discussion",
        "openassessment",
        "drag-and-drop-v2",
        "itembank",
        "library_content",
    ]
    assert [categories()[name].advanced_module for name in basic] == [None] * len(basic)


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("html", "html"),
        ("section", "chapter"),
        ("subsection", "sequential"),
        ("unit", "vertical"),
        ("drag_and_drop_v2", "drag-and-drop-v2"),
        ("lti-consumer", "lti_consumer"),
        ("google_calendar", "google-calendar"),
        ("quizz", None),
    ],
)
def test_words_for_categories(word: str, category: str | None) -> None:
    assert canonical_category(word) == category


@pytest.mark.parametrize(
    ("category", "word", "name"),
    [
        ("video", "youtube", "youtube_id_1_0"),
        ("video", "title", "display_name"),
        ("openassessment", "title", "display_name"),
        ("acme_quiz", "title", "display_name"),
        ("html", "youtube", None),
        ("problem", "max_attempts", "max_attempts"),
    ],
)
def test_words_for_fields(category: str, word: str, name: str | None) -> None:
    assert canonical_field(category, word) == name


@pytest.mark.parametrize("description", EVERY_CATEGORY)
def test_an_alias_stands_for_a_field_and_hides_none_that_authors_set(description: CategorySpec) -> None:
    for alias, name in field_aliases(description.name).items():
        assert field_spec(description.name, name) is not None
        hidden = field_spec(description.name, alias)
        assert hidden is None or not hidden.authored
