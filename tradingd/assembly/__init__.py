"""The only maker of things: settings become modules, adapters and feeds, and the steps of a run are taken.

modules       makes the modules and hands each what it needs; the same for live and replay
config        what each module is told of the settings, once, in its own terms
adapters      the broker adapter and the embedded venue
feeds         the market-data feeds
startup       the first step of a start: the journal folded and taken over
warm_up       the steps that wait for the outside world: reaching the venue, fetching history
quiescence    whether everything that an event set off has come to rest
shutdown      the end of a run, in order and within a deadline
next_start    what an edit of the configuration file would do at the next start
replay_run    the same modules over the past
lone_adapter  an adapter without a daemon, for commands that ask a venue
"""
