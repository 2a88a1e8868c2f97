"""Our trackers obey the laws of a tracker, and each law can be broken."""

from __future__ import annotations

import json

import pytest

from seqlab.testing import TRACKER_LAWS, BrokenLawError, check_tracker
from seqlab.tracking import Console, GroupConsole, RunFolder, Trackers, WeightsAndBiases


def trackers(folder):
    return {
        "console": Console("plain"),
        "bar": Console("rich"),
        "off": Console("off"),
        "group": GroupConsole(Console("plain")),
        "folder": RunFolder(folder),
        "disabled": WeightsAndBiases(mode="disabled", project="p", entity=None, group=None, tags=()),
        "several": Trackers([RunFolder(folder)], [Console("plain")]),
    }


@pytest.mark.parametrize("name", trackers(None))
def test_our_trackers_obey_every_law(name, tmp_path):
    check_tracker(trackers(tmp_path)[name], tmp_path)


class Whole:
    def start(self, info):
        pass

    def log(self, row):
        pass

    def finish(self, summary):
        pass


class NoFinish:
    def start(self, info):
        pass

    def log(self, row):
        pass


class Renames(Whole):
    def start(self, info):
        info.config["seed"] = 0


class Returns(Whole):
    def log(self, row):
        return row


class Encodes(Whole):
    def log(self, row):
        json.dumps(row)


class Pops(Whole):
    def log(self, row):
        row.pop("step")


class Rounds(Whole):
    def log(self, row):
        row["train/loss"] = 0


class Closes(Whole):
    def finish(self, summary):
        summary["closed"] = True


BROKEN = {
    "interface": [NoFinish],
    "start": [Renames],
    "rows": [Returns, Encodes],
    "purity": [Pops, Rounds],
    "finish": [Closes],
}
CASES = [(law, broken) for law in TRACKER_LAWS for broken in BROKEN[law.name]]


@pytest.mark.parametrize(("law", "broken"), CASES, ids=str)
def test_a_broken_law_is_named_by_its_number(law, broken, tmp_path):
    message = rf"^tracker law {law.number} \({law.name}\) is broken by {broken.__name__}"
    with pytest.raises(BrokenLawError, match=message):
        law(broken(), tmp_path)


def test_every_law_has_a_broken_tracker():
    assert list(BROKEN) == [law.name for law in TRACKER_LAWS]


def test_the_first_broken_law_is_reported():
    with pytest.raises(BrokenLawError, match=r"^tracker law 5 "):
        check_tracker(Closes())
    check_tracker(Whole())
