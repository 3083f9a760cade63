"""One process per account, proved with real processes."""

import os
import subprocess
import sys
import uuid

import pytest
from tradingd.errors import UsageError
from tradingd.runtime.account_lock import AccountLock


def test_the_second_process_is_refused_and_told_who_holds_the_account() -> None:
    account = f"test-{uuid.uuid4()}"
    lock = AccountLock("paper", account)
    script = (
        "from tradingd.errors import UsageError\n"
        "from tradingd.runtime.account_lock import AccountLock\n"
        f"try: AccountLock('paper', {account!r})\n"
        "except UsageError as error: print(error)\n"
        "else: print('taken')\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert f"process {os.getpid()}" in told.stdout
    lock.release()
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert told.stdout == "taken\n"


def test_other_accounts_and_other_brokers_are_free() -> None:
    account = f"test-{uuid.uuid4()}"
    locks = [AccountLock("paper", account), AccountLock("alpaca", account), AccountLock("paper", account + "-2")]
    with pytest.raises(UsageError, match="one daemon per account"):
        AccountLock("paper", account)
    for lock in locks:
        lock.release()
