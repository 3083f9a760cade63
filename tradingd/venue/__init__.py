"""The paper venue: an Alpaca-compatible server around `core.matching`, with an account of its own.

server         the whole, on one port: `PaperVenue`
standalone     the same with feeds of its own: `serve`
log_sink       how the venue tells its operator something

records        orders and executions as the venue keeps them
errors         refusals: status, code and body as Alpaca words them
assets         what can be traded, and how a client may spell it
intake         an order request, read and judged by itself
replacement    the order that takes another's place
account        cash, positions and buying power
admission      whether the account can afford an order
sessions       when equities trade
waiting, auctions   orders that are in no book yet
open_orders    the open orders and their families
orders         the life of an order from request to last fill
changes        what one operation changes: on disk, then told
store          the SQLite file behind all of it
bars           minute bars, and longer bars from them
portfolio      account, positions and history as clients ask for them

wire           trading records as Alpaca's JSON
market_wire    market data as Alpaca's JSON and msgpack
gate           credentials, request rates, the shape of answers
rest_query     query strings as clients send them
rest_trading   the endpoints of orders and positions
rest_account   the endpoints of account, assets, clock and calendar
rest_data      the endpoints of market data
outbox         one websocket client's queue
sockets        what both kinds of websocket share
trade_updates  the `/stream` websocket
market_stream  the market-data websockets

fault_rules    the faults that a drill can ask for
faults         the fault layer: what is armed, what was committed
fault_answers  faults of requests
fault_frames   faults of the order stream
fault_acts     faults that wait for nothing
faulty         the venue of a drill: with a fault layer, and a wire that can be cut
"""
