"""Scenarios: what is read, and what is refused with place, key and remedy."""

from pathlib import Path

import pytest
from tradingd.errors import SourceMissing, UsageError
from tradingd.settings.problems import ConfigurationProblems
from tradingd.tools.drills.scenario import find_scenarios, read_scenario, shipped
from tradingd.venue.fault_rules import RequestFault

HEAD = 'name = "mine"\ncase = "F01"\nsentence = "Something goes wrong."\n'
WISHED = {
    *("F01", "F03", "F04", "F05", "F06", "F08", "F09", "F10", "F18", "F20", "F21", "F22", "F23", "F24", "F25", "F26"),
    *("F27", "F29", "F32", "F36", "F37", "F38", "F39", "F48", "F53", "F54", "F55", "F56", "F57", "F69", "F71", "F76"),
    *("F77", "F80", "F85", "F86"),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(HEAD + text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationProblems) as refused:
        read_scenario(write(folder, text))
    return str(refused.value).replace(str(folder), "")


def test_every_shipped_scenario_reads_and_bears_the_name_of_its_file() -> None:
    for name, path in shipped().items():
        scenario = read_scenario(path)
        assert (scenario.name, f"{scenario.case}-{name}.toml") == (name, path.name)
        assert path.read_text().startswith("# ")
    assert {scenario.case for scenario in find_scenarios(None)} >= WISHED


def test_a_step_is_read_with_its_fault(tmp_path: Path) -> None:
    scenario = read_scenario(
        write(tmp_path, '[[steps]]\nat_s = 1\nfault = { kind = "answer_lost", on = "cancel", count = 2 }\n')
    )
    (step,) = scenario.steps
    assert step.at_s == 1
    assert isinstance(step.fault, RequestFault)
    assert (step.fault.on, step.fault.count, step.fault.chance) == ("cancel", 2, 1.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[steps]]\nfault = { kind = "answer_lots" }\n',
            '/mine.toml:5:11: steps[0].fault.kind: "answer_lots" is not one of ',
        ),
        ('[[steps]]\nfault = { kind = "answer_lots" }\n', "(did you mean answer_lost?)"),
        (
            '[[steps]]\nfault = { kind = "answer_lost", second = 1 }\n',
            "/mine.toml:5:33: steps[0].fault.second: unknown key (known: chance, count, kind, on)",
        ),
        (
            '[[steps]]\nfault = { kind = "answer_late" }\n',
            "/mine.toml:5:1: steps[0].fault.seconds: is missing (Seconds that it lasts)",
        ),
        (
            '[[steps]]\nfault = { kind = "answer_lost", on = "submits" }\n',
            '/mine.toml:5:33: steps[0].fault.on: "submits" is not one of ',
        ),
        ('[[steps]]\nat_s = "soon"\nact = { kind = "halt" }\n', "steps[0].at_s: must be a number, not text"),
        ("[[steps]]\nat_s = 1.0\n", "/mine.toml:4:3: steps[0]: needs either fault or act"),
        ('[[steps]]\nact = { kind = "explode" }\n', '/mine.toml:5:9: steps[0].act.kind: "explode" is not one of '),
        (
            '[[steps]]\nbefore_start = true\nact = { kind = "halt" }\n',
            "steps[0]: before the start only a fault can be, and it waits for nothing",
        ),
        ('checks = ["all_is_well"]\n[[steps]]\nact = { kind = "halt" }\n', 'checks[0]: "all_is_well" is not one of '),
        ("", "steps: is missing"),
        ("steps = []\n", "needs at least one [[steps]] table"),
        ("[[steps]\n", "/mine.toml:4:"),
    ],
)
def test_what_the_program_cannot_express_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_a_scenario_is_found_by_name_case_or_path(tmp_path: Path) -> None:
    assert [scenario.name for scenario in find_scenarios("overfill")] == ["overfill"]
    assert {scenario.case for scenario in find_scenarios("f01")} == {"F01"}
    path = write(tmp_path, '[[steps]]\nact = { kind = "halt" }\n')
    assert [scenario.name for scenario in find_scenarios(str(path))] == ["mine"]


def test_a_name_that_is_none_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match="did you mean overfill"):
        find_scenarios("overfil")
    with pytest.raises(SourceMissing):
        find_scenarios("nowhere.toml")
