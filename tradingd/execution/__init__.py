"""The parts of the execution engine, each a question that it asks before or after an order leaves.

config              what the settings say to these parts
admission           the gates of an order: may it leave at all, and does it only reduce?
order_factory       a signal becomes an order: its id, its quantity on the venue's steps
amendment           what a change asks for, as the order that it would be
flatten             closing everything of a scope, and winding down at a stop
plan_drafts         a signal's plan, or why it can have none
plan_runner         plans under way: which order is due next, by price, clock and fill
price_watch         which symbols are looked at for plans
in_flight           orders with a command under way: ages, and what has taken too long
reconciler          judging one snapshot of the venue
reconciliation      asking the venue over time, and applying what its answers prove
correction_limit    how much a comparison may correct before a person has to look
anomalies           over-fills and other things that should not happen: brakes, and words
order_log           how orders and what becomes of them read in the log
reconciliation_log  how a comparison with the venue reads in the log
denial_log          refusals: said once, then counted
"""
