"""Docstrings: nothing public is without one, and each reads as a sentence on the pages of the API."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "cryosense"
MODULES = sorted(PACKAGE.rglob("*.py"))
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
CODE_SPAN = re.compile(r"``.*?``|`.*?`", re.DOTALL)


def definitions(node: ast.AST, outer: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield all classes, functions and methods below a node with their dotted names, nested functions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            name = f"{outer}.{child.name}".lstrip(".")
            yield name, child
            yield from definitions(child, name)
        else:
            yield from definitions(child, outer)


def public(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """Yield what users can name: nothing that begins with an underscore, and nothing inside a function."""
    functions = {name for name, node in definitions(tree) if not isinstance(node, ast.ClassDef)}
    for name, node in definitions(tree):
        outer = name.rpartition(".")[0]
        if not any(part.startswith("_") for part in name.split(".")) and outer not in functions:
            yield name, node


def inherited(path: Path, name: str) -> str | None:
    """Return the docstring that a method or property takes over from a class above its own."""
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    *outer, own = name.split(".")
    found: object = importlib.import_module(module)
    for part in outer:
        found = getattr(found, part)
    above = found.__mro__[1:] if isinstance(found, type) else ()
    return next((vars(cls)[own].__doc__ for cls in above if getattr(vars(cls).get(own), "__doc__", None)), None)


def undocumented(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    missing = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    for name, node in public(tree):
        if not ast.get_docstring(node) and (isinstance(node, ast.ClassDef) or not inherited(path, name)):
            missing.append(name)
    return missing


def faults(source: str) -> list[str]:
    """Return what is wrong with the docstrings of a module's source, private ones included."""
    tree, found = ast.parse(source), []
    for name, node in [("the module", tree), *definitions(tree)]:
        text = ast.get_docstring(node) or ""
        if re.search(r"->|→", CODE_SPAN.sub("", text)):
            found.append(f"{name}: an arrow in prose")
        if text and not text.splitlines()[0].endswith((".", ":")):
            found.append(f"{name}: the first line is no sentence")
        if re.search(r":(class|func|meth|mod|attr|data):`", text):
            found.append(f"{name}: a role of another markup language")
    return found


def test_docstrings_read_well() -> None:
    found = {str(path.relative_to(PACKAGE)): undocumented(path) + faults(path.read_text()) for path in MODULES}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_faults_are_seen() -> None:
    arrow = 'def f():\n    """-> (n, n): a plane."""\n'
    unended = '"""A module"""\n'
    role = 'class A:\n    """As :class:`B`."""\n'
    assert [faults(source) for source in (arrow, unended, role)] == [
        ["f: an arrow in prose"],
        ["the module: the first line is no sentence"],
        ["A: a role of another markup language"],
    ]
    assert faults('def f():\n    """Return ``x -> y``, see `g -> h`."""\n') == []


def test_the_walk_knows_what_is_public() -> None:
    source = "class A:\n    def f(self):\n        def g(): ...\n    def _h(self): ...\nclass _B:\n    def f(self): ...\n"
    assert [name for name, _ in public(ast.parse(source))] == ["A", "A.f"]
