"""The only durable truth, and the database that is projected from it.

codec        one entry as one line of JSON, chained by hash
segments     the folder: lock, segments, reading back, the fold at start
writer       appending, with the durability that was asked for
history      the past, for reports and for a daemon that is down
projection   the SQLite file: catches up, rebuilds, answers (`rows`: what entries become; `schema/`: its steps)
"""
