"""The rules as pure code: no event loop, clock, randomness, I/O or log; time and ids are arguments.

identifiers       names of things, each a type of its own
market            quotes, trades and bars as they travel, and what makes one unfit
symbol_plan       what is to be built of each symbol's data
bars              bars from ticks, and bigger bars from smaller
orders            signals, orders, execution reports, trades, verdicts
instruments       ticks, lots and the rounding that goes with them
order_state       the life of one order, as a table
accounting        positions at average cost, exact
portfolio         cash, positions and reservations as a fold over trades
risk              pre-trade rules
risk_metrics      drawdown, loss, leverage, value at risk, and the limits that halt
entries           the closed set of things that the journal can say
books             everything durable, as one fold over the journal
venue_view        what a venue says when it is asked
reconcile         the difference between the books and the venue, as a plan
broker_model      what one venue takes, and what it would refuse about an order
matching          a simulated market for our orders
trailing          where a trailing stop stands
sessions          dates and midnights of New York
calendar          trading days, half days and holidays of an exchange
auctions          what a simulated market takes for the price of an auction
equity_curve, round_trips, performance   what trading came to
log               the closed list of log events
"""
