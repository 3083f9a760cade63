"""The paper venue: an Alpaca-compatible server around `core.matching`, with an account of its own.

log_sink       how the venue tells its operator something
errors         refusals: status, code and body as Alpaca words them
records        orders and executions as the venue keeps them
wire           records as Alpaca's JSON
assets         what can be traded, and how a client may spell it
intake         an order request, read and judged by itself
replacement    the order that takes another's place
account        cash, positions and buying power
sessions       when equities trade
store          the SQLite file behind all of it
open_orders    the open orders and their families
changes        what one operation changes: on disk, then told
admission      whether the account can afford an order
orders         the life of an order from request to last fill
portfolio      positions, account and history as clients ask for them
bars           minute bars, and bigger bars from them
outbox         one websocket client's queue
trade_updates  the `/stream` websocket
market_stream  the market-data websockets
rest_*         the HTTP endpoints
server         the whole, on one port
"""
