"""The platform's own blocks, loaded outside the platform.

The blocks are Django code: minimal settings are configured here, before any of them is imported, with the
models of those that are installed and nothing else of the platform. What a block needs of the platform merely
to be imported (`lms`, `common`, …) is a stand-in.

Other people's code warns of its own deprecations while it is imported; those warnings are ignored during the
import and nowhere else.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

PLATFORM_PACKAGES = ("lms", "cms", "common", "openedx", "xmodule", "bulk_grades")
"""Packages of the platform itself (and one that hangs on its models), which are not installable."""

_MODEL_PACKAGES = (
    "submissions",
    "openassessment",
    "openassessment.assessment",
    "openassessment.staffgrader",
    "openassessment.workflow",
    "openassessment.xblock",
)


def _configure_django() -> None:
    if find_spec("django") is None:
        return
    import django
    from django.conf import settings

    if settings.configured:
        return
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        FEATURES={},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            *(name for name in _MODEL_PACKAGES if find_spec(name.partition(".")[0])),
        ],
        LMS_ROOT_URL="http://lms.invalid",
        SECRET_KEY="only for tests",
        USE_TZ=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        django.setup()


_configure_django()


class _StandIn(ModuleType):
    """A module in which every name exists."""

    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = MagicMock(name=f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class _StandInFinder(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in PLATFORM_PACKAGES:
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """A stand-in has nothing to run."""


@pytest.fixture
def platform_stand_ins() -> Iterator[None]:
    """While the test runs, `lms` and its like can be imported; afterwards no trace of them is left."""
    finder = _StandInFinder()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if isinstance(module, _StandIn)]:
            del sys.modules[name]


@pytest.fixture
def load_block() -> Callable[[str], Any]:
    """`load_block("package.module:Class")` is that class; without the package the test is skipped."""

    def load(path: str) -> Any:
        module_name, _, class_name = path.partition(":")
        package = module_name.partition(".")[0]
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra `real`)")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(importlib.import_module(module_name), class_name)

    return load
