"""Choosing models, and going back."""

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.gpu import mock, publish
from ninedoor.gpu.snapshot import Snapshot
from tests.cli.gpus import Operator, operator, terminal

__all__ = ["operator", "terminal"]


def test_models_are_listed_with_their_state(operator: Operator) -> None:
    assert operator.run("models", "list") == (
        Exit.OK,
        [
            "OK LS path=/gpu/models/available",
            "model id=vision-base-v1 state=available",
            "model id=vision-lora-edge state=active",
        ],
    )


def test_a_terminal_gets_a_table(operator: Operator, terminal: None) -> None:
    assert operator.run("models", "list")[1] == [
        "MODEL             STATE",
        "vision-base-v1    -",
        "vision-lora-edge  active",
    ]


def test_activation_and_rollback_swap(operator: Operator) -> None:
    assert operator.run("models", "activate", "vision-base-v1") == (
        Exit.OK,
        ["OK ECHO path=/gpu/models/active bytes=15", "model activated model=vision-base-v1"],
    )
    assert operator.json("models", "list")["previous"] == "vision-lora-edge"

    assert operator.run("models", "rollback")[1][-1] == "model activated model=vision-lora-edge"
    assert operator.hive.read("/gpu/models/active") == b"vision-lora-edge\n"
    assert operator.run("models", "rollback")[1][-1] == "model activated model=vision-base-v1"


def test_json_has_the_manifests(operator: Operator) -> None:
    assert operator.json("models", "list") == {
        "active": "vision-lora-edge",
        "previous": None,
        "available": [{"id": model.id, "manifest": model.manifest} for model in mock.MODELS],
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("activate", "absent"), "activate: ENOENT: model absent is not available"),
        (("rollback",), "rollback: no previous model available for rollback"),
    ],
)
def test_what_cannot_be_active_is_told(operator: Operator, words: tuple[str, ...], reason: str) -> None:
    assert operator.run("models", *words) == (Exit.FAILED, [])
    assert operator.told == [f"ninedoor models {reason}"]
    assert operator.hive.read("/gpu/models/active") == b"vision-lora-edge\n"


def test_a_terminal_is_told_that_there_are_no_models(operator: Operator, terminal: None) -> None:
    for text in publish.lines(Snapshot((), (), "", "").encode()):
        operator.hive.append("/gpu/bridge/ctl", f"{text}\n".encode())

    assert operator.run("models", "list")[1] == ["no model is published here"]
