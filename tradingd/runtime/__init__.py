"""What moves events from one module to the next, and what keeps the process alive.

module, channel, events, ports   a module, its inbox, what travels, what is asked by direct call
clock                            where time comes from
live                             driver 1: asyncio tasks and queues, supervised
replay                           driver 2: one thread, the data's own time
                                 driver 3, the seeded simulation, has its place here beside them and is not there yet
reconciler, venue_sync           comparing the books with the venue over time
flattening                       closing everything, once
guard                            calling code that is not ours
structured_log, order_lines      how the log reads
account_lock, sd_notify, vitals  one daemon for an account; systemd; whether the trading path moves
backoff                          how long to wait before the next attempt
"""
