"""Everything that is Alpaca's.

`wire` its JSON, `convert` that JSON in our terms, `outcomes` what an answer proves, `chains` which ids are whose,
`translate` what the stream means, `model` what the venue takes; then, with I/O, `rest` and `stream` the connections,
`queries` and `snapshot` the questions, `settle` the doubtful replacements, and `adapter` the whole behind
`brokers.base.BrokerAdapter`.
"""
