"""What the folders of the package say of themselves, compared with what is in them."""

import ast
import re
from pathlib import Path

import pytest
from tests.shipping.readme import ROOT

PACKAGES = sorted(path.parent for path in (ROOT / "tradingd").rglob("__init__.py"))


def said(package: Path) -> set[str]:
    return set(re.findall(r"\w+", ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_stands_in_its_package_s_docstring(package: Path) -> None:
    modules = {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert modules | folders <= said(package)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_s_docstring_names_nothing_that_is_gone(package: Path) -> None:
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    rows = [line.partition("  ")[0] for line in text.splitlines() if re.match(r"[a-z_/, ]+?  +\S", line)]
    for name in (name.strip() for row in rows for name in row.split(",")):
        assert (package / f"{name}.py").exists() or (package / name).is_dir(), name


def test_no_test_is_made_of_another_test() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in (ROOT / "tests").rglob("*.py")
        for line in path.read_text().splitlines()
        if re.match(r"from tests\.([a-z_.]+\.)?test_\w+ import ", line)
    ]
    assert found == []
