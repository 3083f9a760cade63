"""tradingd: one unattended process that turns market data into orders and never loses track of one.

cli           the commands
orchestrator  one run of the daemon: start, supervise, stop
tools         doctor, conform and drills: what tries the surroundings instead of trading
control       the control socket of a running daemon
assembly      the only maker of things: modules, adapters, feeds, and the steps of a run
modules       the modules, one file each
service       the process and its machine
reporting     reports and statements
journal       the only durable truth, and the database projected from it
brokers       broker adapters, a folder for each venue
venue         the paper venue
feeds         market-data feeds
settings      the configuration
execution     the parts of the execution engine
strategies    the base class of strategies, their host, and examples
runtime       what moves events between modules
core          the rules as pure code
errors        what can go wrong, and what the process does then
"""

__version__ = "0.1.0"
