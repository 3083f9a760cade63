"""Plans: intents that the daemon pursues by sending and cancelling ordinary orders of its own.

records    what the journal keeps of a plan
view       what a step looks at and what it may answer
drafting   from a signal to a plan
checking   what is wrong with a wish that needs a plan
entering   the half that opens a position
leaving    the half that closes it
targeting  a target position, reached without passing it
step       the whole of a plan, one step
"""
