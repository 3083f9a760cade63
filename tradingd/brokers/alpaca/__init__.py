"""Everything that is Alpaca's: orders and market data.

wire          its JSON of orders and account
convert       that JSON in our terms
outcomes      what an answer proves
chains        which ids are whose
translate     what the order stream means
model         what the venue takes
commands      commands, over connections of their own
rest          requests: commands, and questions over a session that is kept
socket        a websocket whose messages are handed over as they are read
order_stream  the stream of order updates
queries       the questions
snapshot      everything at once
settle        replacements in doubt
adapter       the whole, behind `brokers.base.BrokerAdapter`
market_wire   its market data, in JSON and msgpack
feed          the stream of market data, behind `feeds.base`
history       bars of the past, with pages and time limits
bars          what Alpaca's bars are in our terms
"""
