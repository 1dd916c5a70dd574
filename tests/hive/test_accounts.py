"""The hive as the gate sees it."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.hive.accounts import Account, Accounts
from tests.hive.hives import NOW, log, new_hive, run, spawned


def _account(accounts: Accounts, worker_id: str = "worker-1") -> Account:
    account = accounts.lookup(worker_id)
    assert account is not None
    return account


def test_only_a_living_worker_has_an_account() -> None:
    hive = new_hive()
    accounts = Accounts(hive)
    assert accounts.lookup("worker-1") is None

    spawned(hive)
    assert _account(accounts).kind == "worker-heartbeat"

    run(hive, '{"kill":"worker-1"}')
    assert accounts.lookup("worker-1") is None


def test_an_account_in_hand_says_why_its_worker_is_gone() -> None:
    hive = new_hive()
    spawned(hive)
    account = _account(Accounts(hive))
    alive = account.revoked is None

    run(hive, '{"kill":"worker-1"}')

    assert alive
    assert account.revoked == "killed by queen"
    with pytest.raises(P9Error, match="killed by queen") as refusal:
        account.charge(NOW)
    assert refusal.value.ecode == errno.ESTALE


def test_two_accounts_of_one_worker_spend_one_budget() -> None:
    hive = new_hive()
    worker = spawned(hive, ops=10)
    accounts = Accounts(hive)

    _account(accounts).charge(NOW)
    _account(accounts).charge(NOW)

    assert worker.ops_left == 8


def test_a_presented_ticket_is_revoked_with_its_worker() -> None:
    hive = new_hive()
    spawned(hive)
    accounts = Accounts(hive)
    _account(accounts).presented("9f3a", NOW)
    assert accounts.revocations.get("9f3a") is None

    run(hive, '{"kill":"worker-1"}')

    assert accounts.revocations.get("9f3a") == "killed by queen"
    assert accounts.revocations.get("77aa") is None
    assert log(hive)[-1] == "revoked worker-1: killed by queen"
