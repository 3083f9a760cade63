"""`tradingd doctor`: what a careful owner asks before the first trade, without placing an order.

examine   asks everything in turn
files     the files and folders
journal   the journal
account   the account, by a connection of its own
data      the feeds
clocks    the clocks
limits    what one bad day may cost
judging   verdicts on an account and its symbols, as pure functions
findings  what all of them answer with
bounded   blocking work with a bound
report    how it is shown

Nothing here writes into the state folder, takes the journal, or can send an order.
"""
