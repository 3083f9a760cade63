"""`tradingd doctor`: what a careful owner asks before the first trade, without placing an order.

`examine` asks everything in turn; `files`, `journal`, `account`, `data`, `clocks` and `limits` are the parts; `judging`
holds the verdicts on an account and its symbols as pure functions; `findings` is what they all answer with; `report`
shows it. Nothing here writes into the state folder, takes the journal, or can send an order.
"""
