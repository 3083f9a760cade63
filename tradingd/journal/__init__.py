"""The only durable truth, and the database that is projected from it.

codec        one entry as one line of JSON, chained by hash
segments     the folder: lock, segments, reading back, the fold at start
quarantine   an end that cannot be believed: the rule, and setting it aside
writer       appending, with the durability that was asked for
flushing     forcing it to the disk beside the event loop
reserve      room on the disk: set aside, watched, given up when a line finds none
manifest     the entry that a run begins with
neighbours   other journals in folders beside this one
offline      writing while no daemon runs
verify       proving a whole journal: chain, numbers, snapshots
backup       a proved copy, while it is written or not
export       entries for other programs
history      the past, for reports and for a daemon that is down
projection   the SQLite file: catches up, rebuilds, answers (`rows`: what entries become; `schema/`: its steps)
"""
