"""Builds NineDoor; everything but what stands here is in setup.cfg.

With NINEDOOR_COMPILE=1 the modules that every request passes are compiled by mypyc (the `dev` extra has it).
The sources are the same, and lie beside what is made of them, which Python prefers to import.
"""

import os

from setuptools import setup

COMPILED = (
    "ninedoor/cas/transfer.py",
    "ninedoor/wire/codec.py",
    "ninedoor/wire/fields.py",
    "ninedoor/wire/framing.py",
    "ninedoor/session/attributes.py",
    "ninedoor/session/connection.py",
    "ninedoor/session/fids.py",
    "ninedoor/session/listings.py",
    "ninedoor/session/names.py",
    "ninedoor/session/runs.py",
    "ninedoor/session/session.py",
    "ninedoor/session/states.py",
    "ninedoor/session/tags.py",
    "ninedoor/session/view.py",
    "ninedoor/policy/principals.py",
    "ninedoor/policy/quotas.py",
    "ninedoor/policy/rules.py",
    "ninedoor/policy/scopes.py",
    "ninedoor/tree/blob.py",
    "ninedoor/tree/ctl.py",
    "ninedoor/tree/directory.py",
    "ninedoor/tree/exact.py",
    "ninedoor/tree/lazy.py",
    "ninedoor/tree/mapped.py",
    "ninedoor/tree/namespace.py",
    "ninedoor/tree/node.py",
    "ninedoor/tree/register.py",
    "ninedoor/tree/stream.py",
    "ninedoor/tree/text.py",
    "ninedoor/hive/accounts.py",
    "ninedoor/hive/batch.py",
    "ninedoor/hive/events.py",
    "ninedoor/hive/hive.py",
    "ninedoor/hive/lines.py",
    "ninedoor/hive/refusals.py",
    "ninedoor/hive/ring.py",
    "ninedoor/hive/state.py",
    "ninedoor/hive/workers.py",
    "ninedoor/providers/ingest.py",
    "ninedoor/providers/latency.py",
    "ninedoor/providers/sessions.py",
    "ninedoor/providers/status.py",
    "ninedoor/providers/updates.py",
    "ninedoor/store/blobs.py",
    "ninedoor/updates/budget.py",
    "ninedoor/updates/chunks.py",
    "ninedoor/updates/payloads.py",
    "ninedoor/updates/references.py",
    "ninedoor/updates/registry.py",
    "ninedoor/updates/updates.py",
    "ninedoor/doors/stream/link.py",
)
"""A class whose base is compiled has to be compiled as well. Not among them: what is read for its annotations
at run time (wire.messages), what decodes secrets (mypyc keeps the cause of an error that is raised
`from None`), and what is rarely called and of no family that is compiled."""

if os.environ.get("NINEDOOR_COMPILE") == "1":
    from mypyc.build import mypycify

    setup(ext_modules=mypycify([*COMPILED], opt_level="3", debug_level="0"))
else:
    setup()
