"""Measure tick-to-order, sustained ticks, memory, start and replay against a floor of the same run.

    python -m tests.benchmarks              everything, about twelve minutes
    python -m tests.benchmarks --only ib    one thing alone, here tick-to-order over Interactive Brokers
    python -m tests.benchmarks --rounds 1   a quick look

Figures of one machine mean little; ratios to the floor of the same run mean more. Sessions of the programs are
interleaved, and medians over the rounds are shown.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop
from tests.benchmarks.exchange import Exchange
from tests.benchmarks.floor_ib import LIBRARY
from tests.benchmarks.gateway import Gateway
from tests.benchmarks.loads import FarSide, Load, Timing
from tests.benchmarks.programs import IB, ROOT, Measured, daemon, floor, floor_ib
from tests.benchmarks.replaying import measure_replay, plain_loop

QUIET = Load(ticks_per_s=1_000, per_frame=1, orders_per_s=50, seconds=4)
UNDER_50_MESSAGES = Load(ticks_per_s=1_000, per_frame=1, orders_per_s=20, seconds=10)
"""Interactive Brokers takes 50 messages a second, and the daemon keeps to that."""
RATES = (20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 150_000)
CHOICES = ("latency", "ib", "paper", "saturation", "replay")

Start = Callable[[int, Path], Measured]
PROGRAMS: dict[str, Start] = {
    "floor": floor,
    "daemon, process": lambda port, folder: daemon(port, folder, "process"),
    "daemon, power": lambda port, folder: daemon(port, folder, "power"),
}
PROGRAMS_IB: dict[str, Start] = {
    "floor": lambda port, folder: floor_ib(port, folder, "bare"),
    "library alone": lambda port, folder: floor_ib(port, folder, "library"),
    "daemon, process": lambda port, folder: daemon(port, folder, "process", IB),
    "daemon, power": lambda port, folder: daemon(port, folder, "power", IB),
}


def fdatasync_us(pause_s: float) -> float:
    """Median cost of forcing one appended line to this disk, with a pause before each."""
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        costs = []
        for _ in range(150):
            time.sleep(pause_s)
            os.write(file.fileno(), b"x" * 400)
            began = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            costs.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(costs)


async def session(
    start: Start, loads: list[Load], *, venue: Callable[[], FarSide] = Exchange, until_lag: bool = False
) -> tuple[list[Timing], dict[str, float]]:
    """Run one program against a fresh venue; `until_lag` stops at the first load that it cannot follow."""
    exchange = venue()
    await exchange.start()
    figures: dict[str, float] = {}
    timings: list[Timing] = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, start(exchange.port, Path(name)) as program:
        if not program.name.startswith("floor"):
            figures["ready_s"] = await asyncio.to_thread(program.seconds_to_ready)
        await asyncio.wait_for(exchange.subscribed.wait(), 20)
        figures["rss_mib"] = program.rss_mib()
        cpu = program.cpu_seconds()
        await asyncio.sleep(3)
        figures["idle_cpu_pct"] = (program.cpu_seconds() - cpu) / 3 * 100
        await exchange.run(Load(1_000, 1, loads[0].orders_per_s, 1))  # warm
        for load in loads:
            timing = await exchange.run(load)
            timings.append(timing)
            if until_lag and not sustained(timing):
                break
        figures["rss_after_mib"] = program.rss_mib()
    await exchange.stop()
    return timings, figures


def sustained(timing: Timing) -> bool:
    """True when every order came and the tail did not grow."""
    return timing.orders == timing.expected and timing.p99 < 50_000 and timing.drain_s < 1 and not timing.behind


async def tick_to_order(
    rounds: int,
    what: str = "tick to order",
    programs: dict[str, Start] = PROGRAMS,
    load: Load = QUIET,
    venue: Callable[[], FarSide] = Exchange,
) -> None:
    """Interleaved sessions at a quiet load."""
    found: dict[str, list[Timing]] = {name: [] for name in programs}
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, start in programs.items():
            timings, figure = await session(start, [load], venue=venue)
            found[name] += timings
            figures[name].append(figure)
    base50 = statistics.median(timing.p50 for timing in found["floor"])
    base99 = statistics.median(timing.p99 for timing in found["floor"])
    print(f"\n{what}, {load.ticks_per_s} ticks/s, {load.orders_per_s} orders/s, {rounds} rounds (us)")
    print(f"{'':18}{'p50':>8}{'x floor':>9}{'p99':>9}{'x floor':>9}   RSS MiB  idle CPU %  ready s")
    for name, timings in found.items():
        p50 = statistics.median(timing.p50 for timing in timings)
        p99 = statistics.median(timing.p99 for timing in timings)
        lost = sum(timing.expected - timing.orders for timing in timings)
        rss = statistics.median(figure["rss_after_mib"] for figure in figures[name])
        idle = statistics.median(figure["idle_cpu_pct"] for figure in figures[name])
        ready = [figure["ready_s"] for figure in figures[name] if "ready_s" in figure]
        print(
            f"{name:18}{p50:8.0f}{p50 / base50:9.2f}{p99:9.0f}{p99 / base99:9.2f}{rss:10.0f}{idle:12.1f}"
            f"{statistics.median(ready) if ready else 0:9.2f}" + (f"  {lost} orders missing" if lost else "")
        )
    print(
        f"one fdatasync of an appended line on this disk: {fdatasync_us(1 / load.orders_per_s):.0f} us at the pace of "
        f"the orders, {fdatasync_us(0):.0f} us back to back"
    )


async def tick_to_order_ib(rounds: int) -> None:
    """The same over Interactive Brokers' protocol, at a pace that it takes."""
    if not LIBRARY:
        print("\ntick to order over Interactive Brokers: not measured, ib_insync is not installed")
        return
    await tick_to_order(rounds, "tick to order over Interactive Brokers", PROGRAMS_IB, UNDER_50_MESSAGES, Gateway)


def paper_default() -> None:
    """What the shipped paper configuration costs before anything happens."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        arguments = ["-m", "tradingd", "run", "-c", str(ROOT / "config" / "paper.toml")]
        os.environ["TRADINGD_DAEMON__STATE_DIR"] = str(folder / "state")
        try:
            with Measured("paper", arguments, folder, notify=True) as program:
                ready = program.seconds_to_ready()
                time.sleep(20)
                cpu = program.cpu_seconds()
                time.sleep(10)
                cpu = (program.cpu_seconds() - cpu) / 10 * 100
                print(
                    f"\npaper default: ready after {ready:.2f} s, RSS {program.rss_mib():.0f} MiB after half a minute, "
                    f"CPU {cpu:.1f} % on its synthetic market of three symbols"
                )
        finally:
            del os.environ["TRADINGD_DAEMON__STATE_DIR"]


async def saturation() -> None:
    """The highest rate of the ladder that each program follows."""
    print("\nsustained ticks/s (highest rate with p99 under 50 ms, every order sent, drained within 1 s)")
    for per_frame in (1, 20):
        loads = [Load(rate, per_frame, 50, 2) for rate in RATES]
        for name in ("floor", "daemon, process"):
            timings, _ = await session(PROGRAMS[name], loads, until_lag=True)
            best = max((load.ticks_per_s for load, t in zip(loads, timings, strict=False) if sustained(t)), default=0)
            last = timings[-1]
            note = "the sender could not go faster" if last.behind else f"at the next rate p99 {last.p99 / 1000:.0f} ms"
            note = "the end of the ladder" if best == RATES[-1] else note
            print(f"  {name:18} {per_frame:3} ticks a frame: {best:8}   ({note})")


def replay_speed() -> None:
    """Bars a second, against a bare loop over the same bars."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        bars, seconds, orders = measure_replay(Path(name))
        loop = plain_loop(bars)
    print(f"\nreplay of {bars} minute bars, SMA 20/100, {orders} orders: {bars / seconds:.0f} bars/s")
    print(f"  a bare loop over bar objects on this machine: {bars / loop:.0f} bars/s")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved sessions of each program")
    parser.add_argument("--only", choices=CHOICES, help="measure one thing alone; ib is latency at Interactive Brokers")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[0]})
    if options.only in (None, "latency"):
        uvloop.run(tick_to_order(options.rounds))
    if options.only in (None, "ib"):
        uvloop.run(tick_to_order_ib(options.rounds))
    if options.only in (None, "paper"):
        paper_default()
    if options.only in (None, "saturation"):
        uvloop.run(saturation())
    if options.only in (None, "replay"):
        replay_speed()


if __name__ == "__main__":
    main()
