"""The base class of strategies, and worked examples.

base                                     what a strategy may override and ask for
indicators                               rolling figures
sma_cross, mean_reversion, buy_and_hold  examples
"""
