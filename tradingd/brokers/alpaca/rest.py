"""HTTP to Alpaca: commands over connections of their own, questions over one aiohttp session.

Owns: key headers, the pace that the venue allows, time limits, and the repetition of queries (GET only; a command is
sent once). Never: follows a redirect (the key headers would go with it), or shows a key or a header in an error.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from tradingd.brokers.alpaca.commands import Command, CommandConnections, Gate, OnEnd
from tradingd.brokers.alpaca.outcomes import (
    FaultKind,
    HttpAnswer,
    Operation,
    Outcome,
    RequestEnd,
    TransportFault,
    Verdict,
    classify,
)
from tradingd.brokers.pacing import Pacer, Priority, per_minute
from tradingd.errors import CredentialsRefused, VenueUnavailable
from tradingd.runtime.backoff import Backoff, asked_wait_s

_ATTEMPTS = 3
_FIRST_WAIT_S = 0.25
_MAX_WAIT_S = 5.0
_MAX_ASKED_WAIT_S = 30.0
"""A venue may ask for a longer pause than our own; past this the query fails and its caller decides."""

_TOO_MANY = "too many requests are waiting for the venue's limit"


class RestClient:
    """Requests to one account's hosts; `clock` tells UTC nanoseconds, to read the venue's waiting times against."""

    def __init__(
        self,
        base: URL,
        *,
        api_key: str,
        api_secret: str,
        timeout_s: float,
        clock: Callable[[], int],
        rng: random.Random,
        failure: Callable[[BaseException], None],
        requests_per_minute: int = 0,
    ) -> None:
        self._limit = requests_per_minute
        self._pacers: dict[str, Pacer] = {}
        self._base = base
        self._headers = CIMultiDict(
            {
                "APCA-API-KEY-ID": api_key,
                "APCA-API-SECRET-KEY": api_secret,
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "tradingd",
            }
        )
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s / 2)
        self._clock = clock
        self._rng = rng
        self._failure = failure
        self._session: aiohttp.ClientSession | None = None
        self._commands = CommandConnections(
            base, self._headers, timeout_s=timeout_s, failure=failure, on_answer=self._on_command_answer
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Create the session; needs a running loop."""
        if self._session is not None:
            return
        # asyncio, uvloop and aiohttp all set TCP_NODELAY on their streams.
        connector = aiohttp.TCPConnector(limit=16, keepalive_timeout=120, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._commands.open()

    async def close(self) -> None:
        """Give up what is under way or waits, and close every connection."""
        for pacer in self._pacers.values():
            pacer.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._commands.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    # -- pace ---------------------------------------------------------------------------------------------------------

    def backlog(self, url: URL) -> Mapping[str, int]:
        """How many requests of each class wait for the limit of a host."""
        pacer = self._pacer(url)
        return {} if pacer is None else pacer.backlog

    def _pacer(self, url: URL) -> Pacer | None:
        """The bucket of a host, None where there is no limit; trading and market data are limited apart."""
        if self._limit == 0:
            return None
        if (pacer := self._pacers.get(url.authority)) is None:
            pacer = self._pacers[url.authority] = per_minute(self._limit)
        return pacer

    def _heed(self, pacer: Pacer, answer: HttpAnswer) -> None:
        """Take the venue's word for what it still takes."""
        if answer.status == 429:
            pacer.hold(min(asked_wait_s(answer.headers, self._clock()) or _FIRST_WAIT_S, _MAX_ASKED_WAIT_S))
            return
        remaining = answer.headers.get("X-Ratelimit-Remaining", "").strip()
        if remaining.isdecimal():
            pacer.correct(int(remaining))

    # -- commands -----------------------------------------------------------------------------------------------------

    def send(self, method: str, url: URL, body: bytes | None, on_end: OnEnd, *, gate: Gate | None = None) -> None:
        """Send a command once, and call `on_end` exactly once unless closed before the end.

        The bytes leave in this call, unless the venue's limit or a connection has to be waited for. `gate` is asked at
        the last step before that: what it answers is why nothing is sent.
        """
        command = Command(method=method, path=url.raw_path_qs, body=body, on_end=on_end, gate=gate)
        if (pacer := self._pacer(url)) is None:
            self._commands.send(command)
            return
        # What creates or changes an order gives up when it would come late; a cancel never does.
        cancels = method == "DELETE"
        pacer.submit(
            Priority.CANCEL if cancels else Priority.ORDER,
            lambda: self._commands.send(command),
            None if cancels else lambda: on_end(TransportFault(kind=FaultKind.NOT_SENT, detail=_TOO_MANY)),
        )

    def _on_command_answer(self, answer: HttpAnswer) -> None:
        if (pacer := self._pacer(self._base)) is not None:
            self._heed(pacer, answer)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` as a named, held task; what it raises is a fault of this program and goes to `failure`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure(error)

    # -- queries ------------------------------------------------------------------------------------------------------

    async def get(self, url: URL, priority: Priority = Priority.QUERY) -> bytes | None:
        """Ask until answered: the body, or None for the venue's own "not found".

        Raises `VenueUnavailable` when the attempts are used up or the answer makes no sense, `CredentialsRefused` for
        401 and 403.
        """
        backoff = Backoff(_FIRST_WAIT_S, _MAX_WAIT_S, self._rng)
        for attempt in range(1, _ATTEMPTS + 1):
            if (pacer := self._pacer(url)) is not None:
                await pacer.turn(priority)
            end = await self._request("GET", url, None)
            outcome = classify(Operation.QUERY, end)
            match outcome.verdict:
                case Verdict.DONE:
                    assert isinstance(end, HttpAnswer)
                    return end.body
                case Verdict.NOT_FOUND:
                    return None
                case Verdict.CREDENTIALS:
                    raise CredentialsRefused(f"the venue refuses the keys for GET {url.path} ({outcome.reason})")
                case Verdict.RETRYABLE if attempt < _ATTEMPTS:
                    wait = backoff.next_delay()
                    if isinstance(end, HttpAnswer):
                        asked = asked_wait_s(end.headers, self._clock())
                        if asked is not None and asked > _MAX_ASKED_WAIT_S:
                            raise _unavailable(url, outcome)
                        wait = wait if asked is None else asked + wait * 0.1
                    await asyncio.sleep(wait)
                case _:
                    raise _unavailable(url, outcome)
        raise AssertionError("every attempt ends above")

    async def touch(self, url: URL) -> None:
        """Keep a connection of the commands open, by a question without use; none while commands wait."""
        if (pacer := self._pacer(url)) is not None:
            if any(pacer.backlog.values()):
                return
            await pacer.turn(Priority.HISTORY)
        self._commands.touch(url.raw_path_qs)

    async def _request(self, method: str, url: URL, body: bytes | None) -> RequestEnd:
        session = self._session
        if session is None:
            return TransportFault(kind=FaultKind.NOT_SENT, detail="the connection to the venue is closed")
        try:
            async with session.request(method, url, data=body, allow_redirects=False) as response:
                answer = HttpAnswer(status=response.status, body=await response.read(), headers=response.headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return fault_of(error)
        if (pacer := self._pacer(url)) is not None:
            self._heed(pacer, answer)
        return answer


def fault_of(error: Exception) -> TransportFault:
    """Reduce an exception to what it proves; its text may name the host and port, never a header."""
    name = type(error).__name__
    match error:
        # Raised while a connection is made, before any byte of the request.
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.InvalidURL():
            return TransportFault(kind=FaultKind.NOT_SENT, detail=f"no connection ({name})")
        case TimeoutError():
            return TransportFault(kind=FaultKind.TIMEOUT, detail="no answer in time")
        case _:
            return TransportFault(kind=FaultKind.BROKEN, detail=f"the connection broke before the answer ({name})")


def _unavailable(url: URL, outcome: Outcome) -> VenueUnavailable:
    return VenueUnavailable(f"GET {url.path}: {outcome.reason}")
