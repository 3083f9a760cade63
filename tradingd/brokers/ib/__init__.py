"""Interactive Brokers over the socket of TWS or IB Gateway; nothing outside this folder knows `ib_insync` or
`ib_async`.

`library` loads one of them; `wire` is what we copy out of its objects; `inbox` receives what it decodes; `connection`
is one socket; `session` keeps it up; `questions` waits for answers; `codes` says what each error code means; `windows`
when an interruption is normal; `instruments`, `orders` and `model` translate; `ledger` knows which orders are ours and
`translate` what a message means for them; `snapshot` reads the account; `broker` is the adapter; `history` and `feed`
are market data.
"""
