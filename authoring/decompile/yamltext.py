"""Values to YAML that a person would write, and that this library reads back as the same values.

PyYAML quotes by the rules of YAML 1.1, the folder is read by those of 1.2, and a scalar whose field is a text is read as it
is written; so everything but plain words is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from authoring.model import FieldValue

WIDTH = 120

_WORDS = re.compile(r"[^\W\d_][\w./@+-]*(?:(?: |, |: ?(?=/))[\w./@+'()&;!?-]*[\w./@+()!?-])*", re.ASCII)
_RESERVED = frozenset(["true", "false", "yes", "no", "on", "off", "null", "y", "n", "none", "nan", "inf"])
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class _Dumper(yaml.SafeDumper):
    """Block style, sequences indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style: str | None = '"'
    if "\n" in text and not _CONTROL.search(text) and not re.search(r"[ \t]\n|\t|\A\s|[ \t]\Z", text):
        style = "|"
    elif _DATE.fullmatch(text):
        return dumper.represent_scalar("tag:yaml.org,2002:timestamp", text)
    elif _is_word(text) and text.lower() not in _RESERVED:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_word(text: str) -> bool:
    plain = text.encode("ascii", "ignore").decode() if text.isprintable() else ""
    spelled = re.sub(r"[^\x00-\x7f]", "x", text)
    return bool(plain or spelled) and "\n" not in text and _WORDS.fullmatch(spelled) is not None and text.isprintable()


def _number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(number))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)


def dump(mapping: Mapping[str, FieldValue]) -> str:
    """A mapping as block YAML, keys in the order given, ending in a line end; empty for an empty mapping."""
    if not mapping:
        return ""
    if list(mapping) == ["olx"] and isinstance(mapping["olx"], Mapping) and list(mapping["olx"]) == ["unset"]:
        names = mapping["olx"]["unset"]
        return f"olx: {{unset: [{', '.join(map(str, names if isinstance(names, list) else ()))}]}}\n"
    return yaml.dump(_plain(mapping), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH * 100)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
