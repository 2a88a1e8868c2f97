"""Tables are cut at the width of a terminal alone."""

from __future__ import annotations

import rich.table

from seqlab.tracking.screen import standard_output


def test_a_table_in_a_pipe_is_as_wide_as_it_needs_to_be(capsys):
    table = rich.table.Table(*(f"column-{number}" for number in range(40)))
    table.add_row(*("word " * 3 for _ in range(40)))
    standard_output().print(table)
    lines = capsys.readouterr().out.splitlines()
    assert "column-39" in lines[1]
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 5
