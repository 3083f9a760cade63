"""The rules as pure code: no event loop, clock, randomness, I/O or log; time and ids are arguments.

identifiers      names of things, each a type of its own
timestamps       RFC 3339 text to nanoseconds
explained        vocabularies whose members say what they mean
encoding         how values are spelled in documents that a program reads
numbers          how figures read to a person
market           quotes, trades and bars as they travel, and what makes one unfit
symbol_plan      what is to be built of each symbol's data
bars             bars from ticks, and bigger bars from smaller
signals          what a strategy wishes
orders           orders, execution reports, trades, verdicts
order_words      orders, fills and wishes in words
instruments      ticks, lots and the rounding that goes with them
order_state      the life of one order, as a table
executions       the names, the trade and the cost of a fill
accounting       positions at average cost, exact
portfolio        cash, positions and reservations as a fold over trades
flows            money that comes or goes without a trade
coin_fees        fees taken out of what was received
scopes           what a command or a halt is about
risk             pre-trade rules
repeats          strategies that have run away
risk_metrics     drawdown, loss, leverage, value at risk, and the limits that halt
limit_table      every limit beside what it limits
worst_day        what one bad day can cost under the limits
entries          the closed set of things that the journal can say
books            everything durable, as one fold over the journal
conflicts        where a configuration contradicts the books
venue_view       what a venue says when it is asked
broker_events    what a broker adapter delivers
reconcile        the difference between the books and the venue, as a plan
order_findings   what the venue's view of one order adds to the books
broker_model     what one venue takes, and what it would refuse about an order
plans/           orders that the daemon works itself: brackets, slices, targets
matching         a simulated market for our orders
trailing         where a trailing stop stands
trading_day      which day an instant belongs to
sessions         dates and midnights of New York
calendar         trading days, half days and holidays of an exchange
auctions         what a simulated market takes for the price of an auction
account_history  the account and each strategy over a span
equity_curve     equity over time
round_trips      entries with their exits
performance      what trading came to
statement        a day's statement: the venue beside the books
log              the closed list of log events
"""
