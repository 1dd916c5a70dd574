import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_ranks"


def faults(root: Path, **files: str) -> list[str]:
    """What the script says of a tree with these modules (`ninedoor_wire_codec` is ninedoor/wire/codec.py)."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(root)], capture_output=True, text=True, check=False
    )
    *found, summary = done.stdout.splitlines()
    assert done.stderr == ""
    assert summary == f"check_ranks: {len(files)} modules, {len(found)} faults"
    assert done.returncode == (1 if found else 0)
    return found


def test_this_checkout_has_no_faults() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)

    assert done.stdout.endswith(" 0 faults\n"), done.stdout


def test_lower_ranks_may_be_imported(tmp_path: Path) -> None:
    assert (
        faults(
            tmp_path,
            ninedoor__wire__codec="from ninedoor import limits\nfrom ninedoor.errors import WireError\n",
            ninedoor__hive__hive="from ninedoor.store.ports import Journal\nfrom ninedoor.hive import ring\n",
            ninedoor__client__client="from ninedoor.wire.codec import encode\n",
            ninedoor__client__sockets="import select\nimport socket\nimport time\n",
            ninedoor__client__aio__channel="import socket\nimport trio\nasync def call(): ...\n",
            ninedoor__runtime__app="import time\nimport trio\nfrom ninedoor.policy.gate import Gate\n",
            ninedoor__doors__fuse__mount="import pyfuse3\nasync def serve(): ...\n",
            ninedoor__cli__mount="from ninedoor.doors.fuse.mount import serve\n",
            ninedoor__store__journal="import threading\nimport time\nimport os\n",
            cohsh__shell="from ninedoor.client.client import Client\nfrom ninedoor.wire import codec\n",
            cohsh__transports__inprocess="import trio\nfrom ninedoor.runtime.app import App\n",
        )
        == []
    )


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("ninedoor__wire__codec", "from ninedoor.session import fids", "rank 1 (ninedoor.wire)"),
        ("ninedoor__errors", "import ninedoor.wire.types", "rank 0 (ninedoor.errors)"),
        ("ninedoor__session__session", "from ninedoor.client.channel import X", "rank 2"),
        ("ninedoor__client__client", "from ninedoor.session.session import Session", "rank 2"),
        ("ninedoor__tree__node", "from ninedoor.hive.hive import Hive", "rank 3"),
        ("ninedoor__hive__hive", "from ninedoor.store.memory import MemoryJournal", "rank 3"),
        ("ninedoor__runtime__app", "from ninedoor.doors.fuse.mount import Door", "rank 7"),
        ("ninedoor__policy__gate", "if True:\n    import ninedoor.manifest.load", "rank 5"),
        ("cohsh__shell", "from ninedoor.session.session import Session", "cohsh may not import"),
        ("cohsh__shell", "from ninedoor.runtime.app import App", "cohsh may not import"),
        ("cohsh__transports__inprocess", "from ninedoor.doors.stream import x", "cohsh may not import"),
        ("cohsh__shell", "import trio", "trio is for"),
        ("ninedoor__client__client", "import trio", "trio is for"),
        ("ninedoor__client__client", "async def f(): ...", "async def f below rank 7"),
        ("ninedoor__client__client", "import subprocess", "subprocess below rank 7"),
        ("ninedoor__client__aio__client", "import pyfuse3", "pyfuse3 below rank 7"),
        ("ninedoor__client__aio__client", "from ninedoor.session.session import Session", "rank 2"),
        ("ninedoor__manifest__load", "import pyfuse3", "pyfuse3 is for"),
        ("ninedoor__session__session", "async def f(): ...", "async def f below rank 7"),
        ("ninedoor__hive__hive", "def f():\n    import time", "time below rank 7"),
        ("ninedoor__policy__gate", "from socket import socket", "socket below rank 7"),
        ("ninedoor__store__journal", "import socket", "socket below rank 7"),
        ("ninedoor__wire__codec", "from . import types", "relative import"),
        ("ninedoor__surprise__x", "import os", "ninedoor.surprise.x has no rank"),
    ],
)
def test_a_broken_rule_is_named_with_file_and_line(tmp_path: Path, module: str, text: str, said: str) -> None:
    found = faults(tmp_path, **{module: f"\n{text}\n"})

    assert len(found) == 1
    place = module.replace("__", "/") + ".py:"
    assert found[0].startswith(place)
    assert said in found[0]


def test_names_are_imported_from_where_they_are_defined(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        ninedoor__errors="class P9Error(Exception): ...\n",
        ninedoor__tree__node="from ninedoor.errors import P9Error\n",
        ninedoor__tree__text="from ninedoor.tree.node import P9Error\n",
    )

    (fault,) = found
    assert fault.startswith("ninedoor/tree/text.py:1: P9Error is not defined in ninedoor.tree.node;")
    assert fault.endswith("import it from ninedoor.errors")


def test_a_package_may_offer_what_its_modules_define(tmp_path: Path) -> None:
    assert (
        faults(
            tmp_path,
            ninedoor__tree____init__="from ninedoor.tree.node import Node\n",
            ninedoor__tree__node="class Node: ...\n",
            ninedoor__providers__log="from ninedoor.tree import Node\n",
        )
        == []
    )


def test_an_empty_tree_is_a_mistake(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, check=False)

    assert done.returncode == 1
