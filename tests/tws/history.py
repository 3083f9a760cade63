"""Historical bars of one client: asked for once, or kept up to date.

Owns what the client asked in the last ten minutes (for the pacing rules) and its bars that are kept up to date.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND, MarketDataEvent

from tests.tws.answers import V_ZONED_TIMES, moment
from tests.tws.contracts import IbContract, read_contract
from tests.tws.requests import HistoryAsked, read_history, read_moment
from tests.tws.wire import Fields, Value, frame

if TYPE_CHECKING:
    from tests.tws.server import TwsEmulator
    from tests.tws.session import Session

_IDENTICAL_NS = 15 * NS_PER_SECOND
_WINDOW_NS, _MAX_IN_WINDOW = 10 * MINUTE_NS, 60
_ERROR = "Historical Market Data Service error message:"
_CODE = 162
_BAR_SIZE = re.compile(r"(\d+) (sec|min|hour|day)s?")
_DURATION = re.compile(r"(\d+) ([SDWMY])")
_BAR_UNITS = {
    "sec": NS_PER_SECOND, "min": MINUTE_NS, "hour": 60 * MINUTE_NS, "day": DAY_NS,
}  # fmt: skip
_DURATION_UNITS = {"S": NS_PER_SECOND, "D": DAY_NS, "W": 7 * DAY_NS, "M": 31 * DAY_NS, "Y": 366 * DAY_NS}


class Kept(msgspec.Struct, frozen=True):
    """Bars that are kept up to date."""

    asked: HistoryAsked
    contract: IbContract
    interval_ns: int


class History:
    """The historical data of one client."""

    def __init__(self, session: "Session", tws: "TwsEmulator") -> None:
        self._session = session
        self._tws = tws
        self._kept: dict[int, Kept] = {}
        self._recent: deque[tuple[int, HistoryAsked]] = deque()

    def acts(self) -> dict[int, Callable[[Fields], None]]:
        """The requests that this answers, by message number."""
        return {20: self._on_ask, 25: self._on_cancel, 87: self._on_first}

    def forget(self) -> None:
        """Lose what is kept up to date."""
        self._kept.clear()

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Tell how the last bar of what is kept up to date changed."""
        for req_id, kept in self._kept.items():
            if kept.contract.local_symbol == event.symbol:
                bars = self._tws.store.bars(event.symbol, kept.interval_ns, 0, event.ts_event + 1)
                if bars:
                    bar = bars[-1]
                    at = self._date(bar.ts_open, kept.asked.date_format, kept.interval_ns)
                    prices = (bar.open, bar.close, bar.high, bar.low)
                    average = (bar.high + bar.low + bar.close) / 3
                    self._session.send(frame(90, req_id, 1, at, *prices, average, _whole(bar.volume)))

    def _on_cancel(self, fields: Fields) -> None:
        fields.skip(1)
        self._kept.pop(fields.integer(), None)

    def _on_first(self, fields: Fields) -> None:
        req_id, asked = fields.integer(), read_contract(fields)
        contract = self._session.data.resolve(req_id, asked)
        bar = None if contract is None else self._tws.store.first_bar(Symbol(contract.local_symbol))
        if bar is not None:
            self._session.send(frame(88, req_id, f"{moment(bar.ts_open, 'UTC'):%Y%m%d-%H:%M:%S}"))
        elif contract is not None:
            self._session.error(req_id, _CODE, f"{_ERROR}No head time stamp")

    def _on_ask(self, fields: Fields) -> None:
        asked = read_history(fields)
        faults = self._tws.faults
        contract = self._session.data.resolve(asked.req_id, asked.contract)
        if contract is None or faults.historical_silent or not self._tws.history_flows:
            return
        if faults.historical_pacing and self._is_too_often(asked):
            self._session.error(asked.req_id, _CODE, f"{_ERROR}Historical data request pacing violation")
            return
        size, duration = _BAR_SIZE.fullmatch(asked.bar_size), _DURATION.fullmatch(asked.duration)
        end = read_moment(asked.end, self._tws.zone) if asked.end else self._tws.now() + 1
        if size is None or duration is None or end is None or (asked.end and asked.keep_up_to_date):
            said = f"bar size {asked.bar_size}, duration {asked.duration}, end {asked.end}"
            self._session.error(asked.req_id, 321, f"Error validating request.-'bM' : cause - Invalid request: {said}")
            return
        interval_ns = int(size[1]) * _BAR_UNITS[size[2]]
        start = end - int(duration[1]) * _DURATION_UNITS[duration[2]]
        bars = self._tws.store.bars(Symbol(contract.local_symbol), interval_ns, start, end)
        if not bars:
            said = (
                f"{_ERROR}HMDS query returned no data: {contract.local_symbol}@{asked.contract.exchange} {asked.what}"
            )
            self._session.error(asked.req_id, _CODE, said)
            return
        if faults.historical_limit:
            bars = bars[-faults.historical_limit :]
        fields_of_bars: list[Value] = []
        for bar in bars:
            at = self._date(bar.ts_open, asked.date_format, interval_ns)
            volume = _whole(bar.volume) if asked.what == "TRADES" else -1
            average = (bar.high + bar.low + bar.close) / 3
            fields_of_bars += [at, bar.open, bar.high, bar.low, bar.close, volume, average, 1]
        times = (self._date(start, 1, MINUTE_NS), self._date(end, 1, MINUTE_NS))
        self._session.send(frame(17, asked.req_id, *times, len(bars), *fields_of_bars))
        if asked.keep_up_to_date:
            self._kept[asked.req_id] = Kept(asked, contract, interval_ns)

    def _is_too_often(self, asked: HistoryAsked) -> bool:
        now = self._tws.now()
        while self._recent and self._recent[0][0] <= now - _WINDOW_NS:
            self._recent.popleft()
        same = msgspec.structs.replace(asked, req_id=0)
        repeated = any(at > now - _IDENTICAL_NS and one == same for at, one in self._recent)
        if repeated or len(self._recent) >= _MAX_IN_WINDOW:
            return True
        self._recent.append((now, same))
        return False

    def _date(self, ts_ns: int, date_format: int, interval_ns: int) -> str:
        local = moment(ts_ns, self._tws.zone)
        if interval_ns >= DAY_NS:
            return f"{local:%Y%m%d}"
        if date_format == 2:
            return str(ts_ns // NS_PER_SECOND)
        if self._session.version >= V_ZONED_TIMES:
            return f"{local:%Y%m%d %H:%M:%S} {self._tws.zone}"
        return f"{local:%Y%m%d  %H:%M:%S}"


def _whole(volume: float) -> Value:
    return int(volume) if volume == int(volume) else volume
