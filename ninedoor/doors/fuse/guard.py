"""How a handler ends: with an answer, with an errno, or, for a bug, with EIO and a full log. Anything else
that reaches pyfuse3 ends the mount."""

import errno
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar

from pyfuse3 import FUSEError

from ninedoor.errors import P9Error

_log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def guarded(method: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The handler that pyfuse3 expects, made of a coroutine function that raises P9Error. A cancellation goes
    through."""

    async def handle(*arguments: P.args, **keywords: P.kwargs) -> R:
        try:
            return await method(*arguments, **keywords)
        except P9Error as refusal:
            raise FUSEError(refusal.ecode) from None
        except FUSEError:
            raise
        except Exception as bug:
            _log.exception("bug in the FUSE handler %s", getattr(method, "__name__", method))
            raise FUSEError(errno.EIO) from bug

    update_wrapper(handle, method)
    return handle
