"""Reader of `.conll` files: a token and its tag on each line."""

from __future__ import annotations

from pathlib import Path

from seqlab.data.table import Table


def read_conll(path: Path) -> Table:
    """Read the columns `tokens` and `tags`, lists with one entry a token; a row is a sentence.

    The first column of a line is the token, the last its tag. A blank line ends a sentence. Lines that begin
    a document are left out.

    Raises:
        ValueError: a line has no tag, or there is no sentence.

    Source: E. Tjong Kim Sang & F. De Meulder, "Introduction to the CoNLL-2003 Shared Task", 2003.
    """
    sentences: list[list[list[str]]] = [[]]
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        columns = line.split()
        if not columns:
            sentences.append([])
        elif columns[0] != "-DOCSTART-":
            if len(columns) < 2:
                raise ValueError(f"line {number} has no tag: {line!r:.60}")
            sentences[-1].append(columns)
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        raise ValueError("it has no rows")
    columns = {
        name: [[line[place] for line in sentence] for sentence in sentences]
        for name, place in (("tokens", 0), ("tags", -1))
    }
    return Table.of(str(path), columns)
