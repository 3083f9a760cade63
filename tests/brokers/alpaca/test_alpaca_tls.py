"""TLS on the way to the venue: orders and streams reach the host that the certificate names, and no other."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.brokers.alpaca.making import OK, Sender, fault, status
from tests.brokers.alpaca.making_socket import Collector, connect
from tradingd.brokers.alpaca.outcomes import FaultKind
from websockets.asyncio.server import ServerConnection, serve

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate of `localhost` that this process trusts."""
    path = tmp_path / "venue.pem"
    made = tmp_path / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", str(path), "-out", str(made)], check=True, capture_output=True)
    path.write_text(path.read_text() + made.read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return path


def context_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            writer.write(OK)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def greet(connection: ServerConnection) -> None:
    await connection.send("hello")
    await connection.wait_closed()


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    runner: Callable[[Coroutine[Any, Any, None]], None] = request.param
    return runner


def test_commands_go_to_the_host_that_the_certificate_names_alone(
    certificate: Path, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context_of(certificate))
        async with server:
            port = server.sockets[0].getsockname()[1]
            right, wrong = Sender(f"https://localhost:{port}"), Sender(f"https://127.0.0.1:{port}")
            assert [status(await right.ask()) for _ in range(3)] == [200] * 3
            assert fault(await wrong.ask()) is FaultKind.NOT_SENT
            for sender in (right, wrong):
                await sender.connections.close()

    run(scenario())


def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, run: Callable[[Coroutine[Any, Any, None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context_of(certificate))
        async with server:
            sender = Sender(f"https://localhost:{server.sockets[0].getsockname()[1]}")
            assert fault(await sender.ask()) is FaultKind.NOT_SENT
            await sender.connections.close()

    monkeypatch.delenv("SSL_CERT_FILE")
    run(scenario())


def test_a_stream_goes_to_the_host_that_the_certificate_names_alone(
    certificate: Path, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def scenario() -> None:
        async with serve(greet, "127.0.0.1", 0, ssl=context_of(certificate)) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            collector = Collector(1)
            socket = await connect(f"wss://localhost:{port}/stream", collector)
            socket.release()
            await socket.wait(collector.all)
            assert collector.messages == [b"hello"]
            await socket.close()
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(f"wss://127.0.0.1:{port}/stream", collector)

    run(scenario())
