"""The control socket of a running daemon.

server   HTTP over a Unix socket
facade   questions and commands in terms of the modules
views    the shapes that it answers with
client   asking, from the command line
"""
