"""Datagrams to a service manager, read from a real socket."""

import os
import socket
from pathlib import Path

import pytest
from tradingd.service.systemd import ServiceManager


@pytest.fixture
def manager(tmp_path: Path) -> "socket.socket":
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(tmp_path / "notify"))
    receiver.settimeout(5)
    return receiver


def test_every_state_is_one_datagram(manager: socket.socket) -> None:
    with manager:
        service = ServiceManager({"NOTIFY_SOCKET": str(manager.getsockname())})
        service.ready("trading")
        service.status("3 open orders")
        service.alive()
        service.stopping("draining")
        told = [manager.recv(4096).decode() for _ in range(4)]
    assert told == ["READY=1\nSTATUS=trading", "STATUS=3 open orders", "WATCHDOG=1", "STOPPING=1\nSTATUS=draining"]


def test_an_abstract_address_begins_with_an_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        name = f"tradingd-test-{os.getpid()}"
        receiver.bind(f"\0{name}")
        receiver.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).alive()
        assert receiver.recv(100) == b"WATCHDOG=1"


def test_without_a_service_manager_nothing_happens() -> None:
    ServiceManager({}).ready("nobody listens")
    assert ServiceManager({}).watchdog_interval_s is None


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time_when_it_watches_us(
    environ: dict[str, str], interval: float | None
) -> None:
    assert ServiceManager(environ).watchdog_interval_s == interval


def test_a_manager_that_is_away_does_not_take_the_process_along(tmp_path: Path) -> None:
    """The socket's file is there and nobody listens: the process goes on."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
        gone.bind(str(path))
    ServiceManager({"NOTIFY_SOCKET": str(path)}).alive()


def test_a_manager_that_does_not_read_does_not_hold_the_process_up(manager: socket.socket) -> None:
    """The kernel queues a handful of datagrams; a thousand must not block."""
    with manager:
        service = ServiceManager({"NOTIFY_SOCKET": manager.getsockname()})
        for _ in range(1_000):
            service.alive()
        assert manager.recv(100) == b"WATCHDOG=1"
