"""The library is loaded late, and nothing of it is used that blocks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import tradingd
import tradingd.brokers.ib
from tradingd.brokers.ib import library
from tradingd.errors import UsageError

FOLDER = Path(tradingd.brokers.ib.__file__).parent
PACKAGE = Path(tradingd.__file__).parent
BLOCKING = frozenset(
    {"run", "sleep", "waitOnUpdate", "waitUntil", "timeRange", "patchAsyncio", "startLoop", "schedule"}
)
LIBRARIES = frozenset({"ib_insync", "ib_async"})


def _calls(tree: ast.Module) -> list[tuple[str, str]]:
    """Every call as the name that it is made on and the name that is called."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                found.append((ast.unparse(function.value), function.attr))
            elif isinstance(function, ast.Name):
                found.append(("", function.id))
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_nothing_that_blocks_the_loop_is_called(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for owner, name in _calls(tree):
        assert name != "IB", "its class runs the loop itself, and believes what errors say of orders"
        if owner.endswith(("client", "util")):
            assert name not in BLOCKING | {"connect"}, f"{owner}.{name} blocks: use the Async one"
        if name == "sleep":
            assert owner in {"asyncio", "waits", "self._waits"}
    assert "nest_asyncio" not in path.read_text()


def test_only_this_folder_knows_the_libraries() -> None:
    for path in PACKAGE.rglob("*.py"):
        names = {
            alias.name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
        }
        assert not names & LIBRARIES, f"{path.name} imports it at import time"


def test_importing_the_adapter_loads_no_library() -> None:
    code = (
        "import sys, tradingd.brokers.ib.broker, tradingd.brokers.ib.feed;"
        "sys.exit(any(name in sys.modules for name in ('ib_insync', 'ib_async', 'eventkit')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, check=False, timeout=60)
    assert done.returncode == 0


async def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "NAMES", ("no_such_library_of_theirs",))
    with pytest.raises(UsageError, match=r"pip install 'tradingd\[ib\]'"):
        library.load_library()


UNDER_UVLOOP = """
import time, random, uvloop
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker

async def main():
    async with TwsEmulator() as tws:
        broker = IbBroker(
            host="127.0.0.1", port=tws.port, client_id=7, account="", account_kind="paper", contracts={},
            base_currency="USD", sink=print, clock=time.time_ns, is_ours=lambda name: True,
            refusal=lambda name: None, on_problem=print, failure=print, rng=random.Random(1), timeout_s=5.0,
        )
        await broker.connect(["AAPL"])
        await broker.snapshot(0)
        await broker.close()

uvloop.run(main())
"""


def test_it_runs_on_a_loop_that_the_policy_does_not_know() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNDER_UVLOOP],
        cwd=PACKAGE.parent,
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
