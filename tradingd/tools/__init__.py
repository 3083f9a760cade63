"""What tries the daemon's surroundings instead of trading: commands beside the daemon, never part of it.

doctor   what to ask before the first trade
conform  numbered cases for brokers and feeds
drills   faults played against the configured strategies
"""
