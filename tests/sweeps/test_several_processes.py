"""The launcher of a sweep that chooses none: how many programs at a time, with the same results."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf
from tiny_runs import tiny

from seqlab.runs import compose_config, compose_request
from seqlab.sweeps import processes
from seqlab.sweeps.launcher import by_itself
from seqlab.sweeps.processes import WORTH, choose_processes
from seqlab.tracking import read_rows
from seqlab.types import ConfigError


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], "auto"),
        (["hydra/launcher=basic"], "basic"),
        (["+experiment=adding"], "vectorized"),
        (["+experiment=adding", "hydra/launcher=auto"], "auto"),
    ],
)
def test_a_sweep_has_the_launcher_of_its_command_or_of_its_experiment(overrides, expected):
    assert compose_config(overrides).hydra.runtime.choices["hydra/launcher"] == expected


@pytest.mark.parametrize(
    ("cores", "sizes", "updates", "expected"),
    [
        (1, [1, 1, 1], WORTH, 1),
        (2, [1, 1, 1], WORTH, 2),
        (2, [1, 1, 1], WORTH - 1, 1),  # the start of processes costs more
        (2, [2, 2, 2], WORTH, 1),  # a family uses both cores
        (16, [3, 1, 1], WORTH, 3),
        (16, [3, 3, 3, 3, 3, 3, 3], WORTH, 5),
        (64, [100, 1, 1, 1], WORTH, 4),  # no process has more devices than eight
        (64, [100], WORTH, 1),
    ],
)
def test_programs_are_trained_at_a_time_where_one_leaves_cores_without_work(
    cores, sizes, updates, expected, monkeypatch
):
    monkeypatch.setattr(processes, "num_cores", lambda: cores)
    steps = -(-updates // sum(sizes)) if updates == WORTH else updates // sum(sizes)
    requests = [
        SimpleNamespace(
            overrides=(f"cell.features={family}", f"seed={seed}", "optimizer.learning_rate=0.1"),
            config=OmegaConf.create({"training": {"steps": steps}}),
        )
        for family, size in enumerate(sizes)
        for seed in range(size)
    ]
    assert choose_processes(requests) == expected


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "all"])
def test_a_number_of_processes_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"^hydra\.launcher\.processes must be null or a positive integer"):
        by_itself(wrong)


@pytest.mark.runs
def test_runs_are_the_same_in_one_process_and_in_several(tmp_path, capsys):
    settings = tiny("adding", "many_to_one", "training.steps=3", "cell=elman")
    rows = {}
    for count in (1, 2):
        requests = [
            dataclasses.replace(
                compose_request([*settings, f"cell.features={features}"]),
                folder=tmp_path / str(count) / str(features),
            )
            for features in (3, 4)
        ]
        outcomes = by_itself(count)(requests, tmp_path)
        assert [outcome["status"] for outcome in outcomes] == ["finished"] * 2
        rows[count] = [
            {key: value for key, value in row.items() if not key.startswith("timing/")}
            for request in requests
            for row in read_rows(request.folder)
        ]
    assert rows[1] == rows[2]
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("launcher: "))
    assert first == "launcher: vectorized, in one process"
    assert second.startswith("launcher: vectorized, 2 programs at a time, each in a process with ")
