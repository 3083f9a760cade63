"""Market-data feeds: each waits for its source, decodes, and hands events to a sink.

`base` says what a feed offers; `file`, `synthetic` and `alpaca/` are the feeds; `build` makes one from its settings.
"""
