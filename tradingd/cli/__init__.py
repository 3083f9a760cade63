"""The command line: each command reads its arguments, calls what knows the business, and shows what came of it.

app             lists the commands and turns errors into exit codes
options         what commands share on the line
loading         reads the configuration
moments         reads times
selection       what an operator asked to see
exit_codes      what each exit code means
interrupts      Ctrl-C while strategies' code runs
render          how answers are shown
answers         how each answer of the daemon looks
progress        progress while something runs
waiting         waiting, within a bound
run             `run`, `replay`
config          `check`, `config`
ask             `status`, `positions`, `orders`, `trades`, `denials`, `risk`
act             `halt`, `resume`, `flatten`, `close`, `cancel`, `cancel-all`, `reconcile`
halting         `halt` without a daemon
handing_over    `transfer`, `accept`
report          `report`
statement       `statement`
lone_statement  a statement without a daemon
logs            `logs`
log_source      where the log is read
log_lines       lines of the log, read back
venue           `venue`
drill           `drill`
conform         `conform`
doctor          `doctor`
explain         `explain`
journal         `journal verify`, `export`, `backup`, `rebuild`
rebuilding      `journal rebuild`

Modules are imported inside commands, so that none pays for another's.
"""
