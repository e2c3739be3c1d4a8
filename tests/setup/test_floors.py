"""What import-linter cannot say: names within Django, imports inside functions, signals."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels_app.adapters.registry import PROVIDERS

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parent.parent.parent
CODE = [
    path
    for package in ("portal", "channels_app", "contacts")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]
GROUND = [path for path in CODE if {"adapters", "mailparse"} & set(path.parts)]
GROUND.append(ROOT / "channels_app" / "hours.py")
# Adapters give codes, and channels_app/reasons.py has the words; mails are made and sent by Django,
# and anymail's views want its requests.
ALLOWED_IN = {
    "anymail.py": {"django.core.files.uploadedfile", "django.http"},
    "email.py": {"django.core.mail.backends.smtp"},
    "hours.py": {"django.utils.translation"},
    "mail.py": {"django.core.mail"},
}


def imports(tree: ast.AST) -> Iterator[tuple[str, list[str], int]]:
    """Module, names and line of each import below that node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or "", [name.name for name in node.names], node.lineno
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, [], node.lineno


def django_faults(source: str, file_name: str) -> list[str]:
    """What an adapter takes from Django beyond what it may."""
    allowed = ALLOWED_IN.get(file_name, set())
    found = imports(ast.parse(source))
    return [
        f"{m}:{line}" for m, _, line in found if m.split(".")[0] == "django" and m not in allowed
    ]


def hidden_imports(source: str) -> list[int]:
    """Lines of imports inside functions; AppConfig.ready may have them."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "ready":
            lines += [line for _, _, line in imports(node)]
    return sorted(set(lines))


def signals(source: str) -> list[int]:
    """Lines that take Django's signals into use: writes happen in services, in plain sight."""
    modules = ("django.dispatch", "django.db.models.signals", "django.core.signals")
    return [line for module, _, line in imports(ast.parse(source)) if module in modules]


def broken(rule: Callable[[str], list[int]]) -> list[str]:
    """Each place in the code that breaks a rule."""
    return [f"{path.relative_to(ROOT)}:{line}" for path in CODE for line in rule(path.read_text())]


def test_the_ground_knows_no_framework() -> None:
    assert {p.name: django_faults(p.read_text(), p.name) for p in GROUND} == {
        path.name: [] for path in GROUND
    }


def reached(module: str, sources: dict[str, str]) -> set[str]:
    """The modules of `sources` that a module imports, directly or by others."""
    found: set[str] = set()
    new = {module}
    while new:
        found |= new
        trees = (ast.parse(sources[name]) for name in new)
        near = {
            word
            for tree in trees
            for place, names, _line in imports(tree)
            for word in (place, *(f"{place}.{name}" for name in names))
        }
        new = (near & set(sources)) - found
    return found - {module}


def test_an_adapter_knows_no_other_adapter() -> None:
    """By the registry, so that a new adapter is held to it without a word anywhere."""
    sources = {
        f"channels_app.adapters.{path.stem}": path.read_text()
        for path in GROUND
        if path.parent.name == "adapters"
    }
    adapters = {adapter.__module__ for adapter in PROVIDERS.values()}
    assert {name: reached(name, sources) & adapters for name in adapters} == {
        name: set() for name in adapters
    }
    assert "channels_app.adapters.mail" in reached("channels_app.adapters.mailgun", sources)


def test_no_import_hides_in_a_function() -> None:
    assert broken(hidden_imports) == []


def test_no_signals() -> None:
    assert broken(signals) == []


def test_these_rules_see_what_they_should() -> None:
    assert django_faults("from django.db import models", "mail.py") == ["django.db:1"]
    assert django_faults("from django.core.mail import EmailMessage", "manual.py")
    assert django_faults("from django.core.mail import EmailMessage", "mail.py") == []
    assert hidden_imports("def f():\n    import os\n") == [2]
    assert hidden_imports("class A:\n    def ready(self):\n        import os\n") == []
    assert signals("from django.dispatch import receiver") == [1]
