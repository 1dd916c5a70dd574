"""What a command showed, and how it is shown: plain lines, coloured ones on a terminal, or JSON for programs.

Acknowledgements and lines go to standard output, notices and advice to standard error, so that what is piped
holds answers only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TextIO

Source = Literal["ack", "output"]

CONSOLE = "[console] "
"""Begins each acknowledgement where a person reads it."""


class Response(NamedTuple):
    """One line of an answer."""

    source: Source
    text: str


class Output(Protocol):
    """Where lines go."""

    def begin(self, command: str) -> None:
        """The lines that follow answer `command`."""

    def show(self, response: Response) -> None:
        """One line of the answer."""

    def follow(self, lines: Sequence[str]) -> None:
        """The answer goes on with `lines`, and may do so for ever: nobody keeps them."""
        for line in lines:
            self.show(Response("output", line))

    def end(self, ok: bool, error: str = "") -> None:
        """The answer is complete. `error` says what is wrong where no acknowledgement does."""

    def notice(self, text: str) -> None:
        """A line that answers nothing."""


class Silent(Output):
    """Nowhere."""

    def begin(self, command: str) -> None:
        """See `Output.begin`."""

    def show(self, response: Response) -> None:
        """See `Output.show`."""

    def end(self, ok: bool, error: str = "") -> None:
        """See `Output.end`."""

    def notice(self, text: str) -> None:
        """See `Output.notice`."""


class Kept(Output):
    """Nothing is shown until somebody asks for it, but for notices where `noticed` takes them."""

    def __init__(self, noticed: Output | None = None) -> None:
        self._calls: list[Callable[[Output], None]] = []
        self._command = ""
        self._noticed = noticed

    def begin(self, command: str) -> None:
        """See `Output.begin`."""
        self._calls.append(lambda output: output.begin(self._command or command))

    def show(self, response: Response) -> None:
        """See `Output.show`."""
        self._calls.append(lambda output: output.show(response))

    def end(self, ok: bool, error: str = "") -> None:
        """See `Output.end`."""
        self._calls.append(lambda output: output.end(ok, error))

    def notice(self, text: str) -> None:
        """See `Output.notice`."""
        if self._noticed is not None:
            self._noticed.notice(text)
        else:
            self._calls.append(lambda output: output.notice(text))

    def repeat(self, output: Output, command: str = "") -> None:
        """Show all of it on `output`; as the answer to `command`, where one is named."""
        self._command = command
        for call in self._calls:
            call(output)


class Plain(Output):
    """Lines as they are. `flush` after each: somebody may follow them through a pipe."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err

    def begin(self, command: str) -> None:
        """See `Output.begin`."""

    def show(self, response: Response) -> None:
        """See `Output.show`."""
        mark = CONSOLE if response.source == "ack" else ""
        self._out.write(f"{mark}{response.text}\n")
        self._out.flush()

    def end(self, ok: bool, error: str = "") -> None:
        """See `Output.end`."""

    def notice(self, text: str) -> None:
        """See `Output.notice`."""
        self._err.write(f"{text}\n")
        self._err.flush()


class Json(Output):
    """One object a command: `command`, `ok`, `acks`, `lines`, and `error` where it failed without an
    acknowledgement; of one that follows a file another for each new line: `command`, `line`."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._command = ""
        self._responses: list[Response] = []
        self._follows = False

    def begin(self, command: str) -> None:
        """See `Output.begin`."""
        self._command = command
        self._responses = []
        self._follows = False

    def show(self, response: Response) -> None:
        """See `Output.show`."""
        self._responses.append(response)

    def follow(self, lines: Sequence[str]) -> None:
        """See `Output.follow`."""
        if not self._follows:
            self.end(True)
            self._follows = True
        for line in lines:
            self._write({"command": self._command, "line": line})

    def end(self, ok: bool, error: str = "") -> None:
        """See `Output.end`."""
        if self._follows:
            return
        answer: dict[str, object] = {
            "command": self._command,
            "ok": ok,
            "acks": texts(self._responses, "ack"),
            "lines": texts(self._responses, "output"),
        }
        if error:
            answer["error"] = error
        self._write(answer)

    def notice(self, text: str) -> None:
        """See `Output.notice`."""
        self._err.write(f"{text}\n")
        self._err.flush()

    def _write(self, answer: Mapping[str, object]) -> None:
        self._out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        self._out.flush()


class Coloured(Output):
    """Lines for a terminal, through rich. What a file holds cannot drive the terminal: control characters
    are shown as such."""

    def __init__(self) -> None:
        """Writes to what is standard output when it does: a prompt puts itself in its place."""
        from rich.console import Console

        self._out = Console(highlight=False, soft_wrap=True, emoji=False)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    def begin(self, command: str) -> None:
        """See `Output.begin`."""

    def show(self, response: Response) -> None:
        """See `Output.show`."""
        text = visible(response.text)
        if response.source == "output":
            self._print(self._out, ("", text))
            return
        status, blank, rest = text.partition(" ")
        style = "bold green" if status == "OK" else "bold red"
        self._print(self._out, ("dim", CONSOLE), (style, status), ("", blank + rest))

    def end(self, ok: bool, error: str = "") -> None:
        """See `Output.end`."""

    def notice(self, text: str) -> None:
        """See `Output.notice`."""
        self._print(self._err, ("yellow", visible(text)))

    def _print(self, console: Any, *pieces: tuple[str, str]) -> None:
        from rich.text import Text

        console.print(Text.assemble(*((text, style) for style, text in pieces)))


def texts(responses: Sequence[Response], source: Source) -> list[str]:
    """The lines of one source."""
    return [response.text for response in responses if response.source == source]


def visible(text: str) -> str:
    """`text` without what would act on a terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
