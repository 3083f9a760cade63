"""The process and its machine: what a service manager, a disk and an operator's terminal see of it.

systemd         readiness, status and watchdog, as systemd's notify protocol has them
vitals          whether the trading path moves
disk_watch      whether the journal's disk has room
account_lock    one daemon for an account, on one machine
structured_log  how a line of the log reads, as JSON and for a person
log_sinks       where lines go: standard output and a file that is opened anew and rotated
null_log        a log that nobody reads, for short commands
"""
