"""Broker adapters: a venue's whole knowledge stays in its folder.

base        what every adapter offers
pacing      how fast a venue may be asked, with cancels first
alpaca/     Alpaca's service, and every server that speaks like it: the paper venue among them
ib/         Interactive Brokers, by TWS or IB Gateway
simulated/  the venue of the deterministic drivers: no socket, no task
"""
