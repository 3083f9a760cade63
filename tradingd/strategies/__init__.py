"""The base class of strategies, what runs them, and worked examples.

base                                     what a strategy may override and ask for
inputs                                   what it may hand over: figures and state
host                                     one strategy in the daemon: its callbacks, its wishes, its timers
callback_budget                          how long its callbacks may take
indicators                               rolling figures
sma_cross, mean_reversion, buy_and_hold  examples
"""
