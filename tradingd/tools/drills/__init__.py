"""Drills: the user's own configuration against a paper venue that commits faults, over real sockets.

scenario       what a drill does, read from TOML
configuration  the configurations of a drill's two processes
market         prices for a drill: the configured ones, sped up
strategies     strategies that a drill adds to the user's
venue_process  the venue of a drill, a process of its own
processes      starting, asking and killing the processes
tether         tying a child process to the life of its parent
truth          what a venue says about its account
judge          the venue's truth against the daemon's journal
runner         one drill from start to verdict
report         what came of the drills, for people and programs
scenarios/     the shipped scenarios
"""
