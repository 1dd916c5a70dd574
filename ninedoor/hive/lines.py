"""Log lines: one record, one line, no control characters, whatever the text came from."""

TEXT_MAX = 512
"""Characters kept of free text that came from outside; a longer one is cut and says so."""

FIELD_MAX = 256
"""Characters kept of a value in `key=value`."""


def clean(text: str) -> str:
    """`text` with everything that is not printable escaped, cut to TEXT_MAX characters."""
    return _cut(_escaped(text), TEXT_MAX)


def field(text: str) -> str:
    """`text` as the value of a `key=value`: as `clean`, and without blanks, which end the value."""
    return _cut(_escaped(text).replace(" ", "\\x20"), FIELD_MAX)


def line(text: str) -> bytes:
    """`text` as bytes of one line. Surrogates, which only undecodable input could bring, are escaped."""
    return text.encode("utf-8", "backslashreplace") + b"\n"


def ended(data: bytes) -> bytes:
    """`data` with the line feed that ends its last line."""
    return data if data.endswith(b"\n") else data + b"\n"


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 16]}…(+{len(text) - most + 16})"
