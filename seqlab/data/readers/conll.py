"""Readers of files with a token on each line: `.conll` and `.conllu`."""

from __future__ import annotations

import re
from pathlib import Path

from seqlab.data.readers.text import lines_of, read_text
from seqlab.data.table import Table

_Tokens = list[tuple[str, str]]
"""The tokens of a sentence, each with its tag."""


def read_conll(path: Path) -> Table:
    """Read the columns `tokens` and `tags`, lists with one entry a token; a row is a sentence.

    The first column of a line is the token, the last its tag. Columns are separated by blanks and tabs. A
    blank line ends a sentence. Lines that begin a document are left out, and so are comments: lines before
    the first token of a sentence that begin with `#`. Such a line is a token, though, where it has as many
    columns as the next token and a tag that a line without `#` has too.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: a line has no tag, or there is no sentence.

    Source: E. Tjong Kim Sang & F. De Meulder, "Introduction to the CoNLL-2003 Shared Task", 2003; of
        comments, S. Malmasi et al., "MultiCoNER", COLING 2022.
    """
    lines = [re.split(r"[ \t]+", line.strip(" \t")) for line in lines_of(read_text(path))]
    tags = {line[-1] for line in lines if len(line) > 1 and not line[0].startswith("#")}
    sentences: list[_Tokens] = [[]]
    for number, line in enumerate(lines, 1):
        if line == [""]:
            sentences.append([])
        elif line[0] == "-DOCSTART-" or (not sentences[-1] and _is_comment(lines[number - 1 :], tags)):
            continue
        elif len(line) < 2:
            raise ValueError(f"line {number} has no tag: {line[0]!r:.60}")
        else:
            sentences[-1].append((line[0], line[-1]))
    return _table(path, sentences)


def read_conllu(path: Path) -> Table:
    """Read the columns `tokens`, the forms, and `tags`, the universal parts of speech; a row is a sentence.

    Comments, ranges of words (1-2) and empty nodes (1.1) are left out.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: a line has not ten columns, or there is no sentence.

    Source: J. Nivre et al., "Universal Dependencies v2", LREC 2020.
    """
    sentences: list[_Tokens] = [[]]
    for number, line in enumerate(lines_of(read_text(path)), 1):
        columns = line.split("\t")
        if not line.strip():
            sentences.append([])
        elif line.startswith("#") or not columns[0].isdecimal():
            continue
        elif len(columns) != 10:
            raise ValueError(f"line {number} has {len(columns)} columns, not 10")
        else:
            sentences[-1].append((columns[1], columns[3]))
    return _table(path, sentences)


def _is_comment(lines: list[list[str]], tags: set[str]) -> bool:
    """Say whether the first of some lines is a comment before the first token of a sentence."""
    first, after = lines[0], lines[1] if len(lines) > 1 else [""]
    if not first[0].startswith("#"):
        return False
    return len(first) < 2 or first[-1] not in tags or (after != [""] and len(first) != len(after))


def _table(path: Path, sentences: list[_Tokens]) -> Table:
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        raise ValueError("it has no rows")
    columns = {
        name: [[line[place] for line in sentence] for sentence in sentences]
        for place, name in enumerate(("tokens", "tags"))
    }
    return Table.of(str(path), columns)
