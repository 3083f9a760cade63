"""Broker adapters: a venue's whole knowledge stays in its folder.

base        what every adapter offers
alpaca/     Alpaca's service, and every server that speaks like it: the paper venue among them
simulated/  the venue of the deterministic drivers: no socket, no task
"""
