"""Interactive Brokers over the socket of TWS or IB Gateway; nothing outside this folder knows `ib_insync` or
`ib_async`.

library      loads one of the two libraries
wire         what we copy out of its objects
convert      from such copies to what the core knows
inbox        receives what the library decodes
connection   one socket
session      keeps it up
windows      when an interruption is normal
questions    waits for answers
codes        what each error code means
instruments  contracts and their steps
orders       orders as TWS takes them
model        what the venue takes
commands     orders, cancels and changes, each sent once
ledger       which orders are ours
translate    what a message means for them
executions   fills with their fees and corrections
snapshot     reads the account
broker       the adapter
history      bars of the past
feed         market data
lines        what the market data of one symbol adds up to
ticks        market data as the library decodes it
"""
