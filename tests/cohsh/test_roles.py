"""Roles as messages write them."""

from cohsh.roles import role_label


def test_roles_are_shown_as_the_original_shows_them() -> None:
    assert role_label("worker-heartbeat") == "WorkerHeartbeat"
    assert role_label("queen") == "Queen"
