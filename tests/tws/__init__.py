"""An emulator of the TWS / IB Gateway socket API, for tests: it speaks the real protocol to unmodified clients.

Owns an account that outlives connections (and, saved in a file, the process). Server versions 157 to 178 are spoken.
Nothing here is part of the program.

In a test, in the test's own event loop::

    async with TwsEmulator(server_version=176) as tws:
        tws.quote("AAPL", 189.90, 190.10, bid_size=300, ask_size=300)   # an order takes at most the size shown
        await ib.connectAsync("127.0.0.1", tws.port, clientId=7)
        tws.trade("AAPL", 190.05, 100)          # a print: ticks, five-second bars, stops, resting limits
        tws.load_bars([PriceBar(...), ...])     # the past, for reqHistoricalData
        tws.faults.swallow_orders = 1           # switches: `faults.py` says what each does
        tws.acts.lose_link()                    # events: `acts.py` says what each does
        tws.truth()                             # orders, executions, holdings, cash as IB has them
        tws.order("my-ref"), tws.position("AAPL"), tws.working_orders()

Contracts are named by their local symbol: AAPL, MSFT, TSLA, GOOGL, SPY, QQQ, PENY (ticks by price), EUR.USD, ESZ6 and
ESH7; see `contracts.py` for more or other ones. The market is always open until `acts.set_hours` says otherwise; MOC,
LOC and OPG orders wait for `acts.hold_auction`. Every order's matching is `tradingd.core.matching`.

As a process, so that either side can be killed::

    python -m tests.tws --port 0 --state FILE [--control-port 0] [--quote AAPL=189.9:190.1] [--ticks AAPL=FILE ...]

prints one line of JSON, `{"port": ..., "control": ...}`, and saves every change in FILE before anybody is told of it.
The control port takes HTTP on loopback (`control.py`): `GET /truth`, `GET /state`, `POST /faults` with a JSON object of
switches, and `POST /do/NAME` with a JSON object of arguments, where NAME is an act or one of quote and trade.

What Interactive Brokers leaves open was decided so: reqExecutions tells the executions of all clients unless
`faults.only_own_executions` is set, and clientId 0 in its filter means no filter; attached orders begin when their
parent has filled whole, and end with it; a DAY or GTD order that expires is told as cancelled, with 202; an id that was
refused with 110, 200 or 321 can be used again, one refused with 201 cannot.
"""
