"""What moves events from one module to the next, and the three drivers that do it.

module       a module: a name, an inbox, and what it does with an event
inbox        queues between modules, bounded or conflating
events       what travels beside market data, signals and execution reports
kernel       clock, books, journal, log and kill switch, of which a run has one each
ports        what is asked by direct call, as protocols
clock        where time comes from
live         driver 1: asyncio tasks and queues, supervised
replay       driver 2: one thread, the data's own time
simulation   driver 3: a seeded order of everything, for tests
guard        calling code that is not ours
backoff      how long to wait before the next attempt
kill_switch  the last thing in front of the wire: halted or stopping, nothing leaves
"""
