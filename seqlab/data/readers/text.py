"""Text of a file: its encoding, its compression and its lines."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from seqlab.types import ConfigError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The encoding of a file that begins with a byte order mark."""


def read_text(path: Path) -> str:
    """Read a text file, unpacked where its name ends in `.gz`.

    The encoding is UTF-8, or that of a byte order mark (UTF-8, UTF-16 or UTF-32), which is no part of the
    text. Ends of lines (LF, CRLF, or CR alone) are kept.

    Raises:
        ConfigError: the file is not in such an encoding; the message names the line, the byte and a remedy.
        ValueError: it is no gzip file.
    """
    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"it is no gzip file: {error}") from None
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refusal(path, content, error.start, encoding) from error
    if "\0" in text:
        raise _refusal(path, content, content.index(b"\0"), encoding)
    return text


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, which end in LF, CRLF, or CR alone; other breaks are part of a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def _refusal(path: Path, content: bytes, at: int, encoding: str) -> ConfigError:
    found = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}.get(encoding, encoding.upper())
    remedy = "save the file as UTF-8, such as by: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
    line = len(lines_of(content[:at].decode("latin-1") + "."))
    return ConfigError(f"{path}, line {line}: the byte 0x{content[at]:02x} is not {found} text: {remedy}")
