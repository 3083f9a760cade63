"""One process per account, proved with real processes."""

import os
import subprocess
import sys
import uuid

import pytest
from tradingd.errors import UsageError
from tradingd.service.account_lock import AccountLock, is_traded


def test_the_second_process_is_refused_and_told_who_holds_the_account() -> None:
    account = f"test-{uuid.uuid4()}"
    lock = AccountLock("paper", account)
    script = (
        "from tradingd.errors import UsageError\n"
        "from tradingd.service.account_lock import AccountLock\n"
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


def test_however_often_an_account_is_asked_for_the_refusal_comes_at_once() -> None:
    account = f"test-{uuid.uuid4()}"
    lock = AccountLock("paper", account)
    for _ in range(40):
        with pytest.raises(UsageError, match="one daemon per account"):
            AccountLock("paper", account)
    lock.release()


def test_whether_an_account_is_traded_can_be_seen_without_taking_it() -> None:
    account = f"test-{uuid.uuid4()}"
    assert not is_traded("paper", account)
    lock = AccountLock("paper", account)
    assert is_traded("paper", account)
    assert not is_traded("alpaca", account)
    lock.release()
    assert not is_traded("paper", account)
