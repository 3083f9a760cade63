"""All cases, in order."""

from tradingd.tools.conform import (
    cases_ask,
    cases_bars,
    cases_cancel,
    cases_connect,
    cases_fill,
    cases_history,
    cases_link,
    cases_loss,
    cases_modify,
    cases_refuse,
    cases_report,
    cases_restart,
    cases_stop,
    cases_stream,
    cases_submit,
)
from tradingd.tools.conform.case import DataCase, ExecutionCase

EXECUTION: tuple[ExecutionCase, ...] = (
    *cases_connect.case.cases,
    *cases_submit.case.cases,
    *cases_fill.case.cases,
    *cases_stop.case.cases,
    *cases_cancel.case.cases,
    *cases_modify.case.cases,
    *cases_refuse.case.cases,
    *cases_report.case.cases,
    *cases_ask.case.cases,
    *cases_restart.case.cases,
    *cases_link.case.cases,
    *cases_bars.case.cases,
)
"""Cases of brokers."""

DATA: tuple[DataCase, ...] = (*cases_stream.case.cases, *cases_history.case.cases, *cases_loss.case.cases)
"""Cases of feeds."""

ALL: tuple[ExecutionCase | DataCase, ...] = (*EXECUTION, *DATA)
"""Every case."""
