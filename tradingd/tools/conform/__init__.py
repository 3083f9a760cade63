"""The acceptance suite of brokers and feeds: numbered cases, run by the tests and by a user on his own account.

capabilities     what a case may need, and what an account says that it can do
harness          what stands between the cases and one account or one feed
record           a recorder of what an adapter or a feed says, that can be waited for
order_tracker    what an adapter said of orders, folded as the books fold it
bench            the bench of an execution case: orders in, reports expected, cleaned up after
data_bench       the bench of a data case
market           prices and sizes of a case, from a recent quote
case             what a case is, and the list of them
cases_*          the cases of execution (cases_connect, cases_submit, cases_refuse, cases_fill, cases_report,
                 cases_cancel, cases_modify, cases_ask, cases_loss, cases_restart, cases_link, cases_stop) and of data
                 (cases_stream, cases_bars, cases_history)
cleaning         the end of an execution case: nothing at work, the position as before
runner           cases played one after another, with a verdict each
venue_harness    the paper venue, whose market and faults the cases command
account_harness  the account that a configuration names, as it is
feed_harness     a feed that a configuration names, as it is
selection        from a configuration to accounts and feeds
report           what came of the cases, for people and programs
"""
