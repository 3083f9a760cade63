"""Market-data feeds: each waits for its source, decodes, and hands events to a sink.

base       what a feed offers
file       a file of quotes, trades or bars
rows       the rows of such a file
synthetic  an invented market
due        whether data are due, so that silence is strange
"""
