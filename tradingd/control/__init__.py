"""The control socket of a running daemon.

server    HTTP over a Unix socket
facade    questions and commands in terms of the modules
views     the shapes that it answers with
requests  what an operator asks
desk      commands, carried out
metrics   the status as Prometheus metrics
client    asking, from the command line
"""
