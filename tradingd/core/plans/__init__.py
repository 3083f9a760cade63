"""Plans: intents that the daemon pursues by sending and cancelling ordinary orders of its own.

`records` what the journal keeps of a plan; `view` what a step looks at and what it may answer; `drafting` from a signal
to a plan; `entering` and `leaving` the two halves of a plan; `step` the whole of it.
"""
