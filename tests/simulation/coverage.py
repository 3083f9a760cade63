"""Holds the fault catalogue and its tests together, and writes the table of which test shows which row.

python -m tests.simulation.coverage            print the table
python -m tests.simulation.coverage --write    write it to COVERAGE.md
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.simulation.catalogue import ROWS, Group, Row

FOLDER = Path(__file__).parent
TABLE = FOLDER / "COVERAGE.md"
MAX_NAME = 100
_NAME = re.compile(r"test_(F\d\d)_(\w+)")
_HEAD = """# The fault catalogue and its tests

Faults that really happened to programs of this kind, each with the right behaviour and the test that shows it, or the
reason why there is none. Written by `python -m tests.simulation.coverage --write`; a test compares it.
"""


class CatalogueTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test of one row, as its source says."""

    row: str
    file: str
    name: str
    sentence: str
    marks: tuple[str, ...]
    asserts: int


def find_tests() -> Iterator[CatalogueTest]:
    """Read every test of a row from the sources."""
    for path in sorted(FOLDER.glob("test_catalogue_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (match := _NAME.fullmatch(node.name)):
                yield CatalogueTest(
                    row=match[1],
                    file=path.name,
                    name=node.name,
                    sentence=" ".join((ast.get_docstring(node) or "").split()),
                    marks=tuple(ast.unparse(mark) for mark in node.decorator_list),
                    asserts=sum(isinstance(part, ast.Assert) for part in ast.walk(node)),
                )


def find_faults() -> list[str]:
    """What is wrong between the catalogue and its tests, one line each."""
    found: list[str] = []
    tests: dict[str, list[CatalogueTest]] = {}
    for test in find_tests():
        tests.setdefault(test.row, []).append(test)
    for row in ROWS:
        found += _faults_of(row, tests.pop(row.id, []))
    return found + [f"{name}: {tests[name][0].name} is a test of no row" for name in tests]


def _faults_of(row: Row, tests: list[CatalogueTest]) -> Iterator[str]:
    if not tests and not row.reason:
        yield f"{row.id} has neither a test nor a reason"
    if tests and row.reason:
        yield f"{row.id} has a test and a reason why there is none"
    if len(tests) > 1:
        yield f"{row.id} has more than one test"
    for test in tests:
        if test.sentence != row.sentence:
            yield f"{test.name}: its docstring is not the row's sentence: {row.sentence}"
        if len(test.name) > MAX_NAME:
            yield f"{test.name}: is longer than {MAX_NAME} characters"
        if not _is_part_of(test.name, row.sentence):
            yield f"{test.name}: is not made of the sentence's words, in their order"
        if not test.asserts or any("skip" in mark or "xfail" in mark for mark in test.marks):
            yield f"{test.name}: cannot fail"


def _is_part_of(name: str, sentence: str) -> bool:
    words = iter(re.findall(r"[a-z0-9]+", sentence.lower()))
    return all(word in words for word in name.split("_")[2:])


def render() -> str:
    """The table, in Markdown."""
    shown = {test.row: f"`{test.file}::{test.name}`" for test in find_tests()}
    lines = [_HEAD]
    for group in Group:
        lines += [f"## {group.value}", "", "| id | the right behaviour | where it is shown |", "|---|---|---|"]
        lines += [
            f"| {row.id} | {row.sentence} | {shown.get(row.id) or f'not here: {row.reason}'} |"
            for row in ROWS
            if row.group is group
        ]
        lines.append("")
    tested = sum(row.id in shown for row in ROWS)
    return "\n".join([*lines, f"{len(ROWS)} rows, {tested} with a test, {len(ROWS) - tested} with a reason.", ""])


def main() -> int:
    """Print the table or write it; 1 when rows and tests do not fit."""
    faults = find_faults()
    if "--write" in sys.argv[1:]:
        TABLE.write_text(render())
    else:
        print(render())
    print("\n".join(faults), file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
