"""Scores beside published ones."""

from __future__ import annotations

from hand_made import write_run

from seqlab.analysis.studies import Published


def test_means_are_compared_with_the_published_and_cells_with_one_another(tmp_path):
    scores = {"gru": [8.40, 8.42, 8.44, 8.46, 8.48], "lstm": [8.60, 8.62, 8.64, 8.66, 8.68], "elman": [9.0]}
    for cell, of_cell in scores.items():
        for seed, score in enumerate(of_cell):
            write_run(tmp_path / f"{cell}-{seed}", [f"cell={cell}", f"seed={seed}"], [score])
    study = Published(str(tmp_path / "study"), {"gru": 8.43, "lstm": 8.45})
    _, text = study.summarise(tmp_path)
    assert "| published |" in text
    assert "- gru: the mean is 8.44 [8.395, 8.485], 0.01 above the published 8.43, which the interval" in text
    assert "0.19 above the published 8.45, which the interval does not hold." in text
    assert "- elman: the mean is 9, and nothing is published." in text
    assert "- gru beats lstm by 0.2 [" in text
