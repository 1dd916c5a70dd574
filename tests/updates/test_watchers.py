"""Who watches hears, until it stops."""

from ninedoor.updates.watchers import Watchers


def test_who_watches_a_key_hears_of_it_until_it_stops() -> None:
    watchers: Watchers[str] = Watchers()
    heard: list[str] = []
    stop_one = watchers.watch("a", lambda: heard.append("one"))
    stop_other = watchers.watch("a", lambda: heard.append("other"))
    watchers.tell("a")
    watchers.tell("b")
    stop_one()
    watchers.tell("a")
    stop_other()
    watchers.tell("a")

    assert heard == ["one", "other", "other"]


def test_who_stops_while_it_is_told_disturbs_nobody() -> None:
    watchers: Watchers[str] = Watchers()
    heard: list[str] = []
    stop = watchers.watch("a", lambda: stop())
    watchers.watch("a", lambda: heard.append("other"))
    watchers.tell("a")

    assert heard == ["other"]
