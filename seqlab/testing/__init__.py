"""Which laws does a class of somebody else have to obey? The checks that our own classes pass, one by one.

from seqlab.testing import check_cell

def test_my_cell():
    check_cell(MyCell(8))
"""

from seqlab.testing.architectures import ARCHITECTURE_LAWS, check_architecture
from seqlab.testing.cells import CELL_LAWS, check_cell
from seqlab.testing.laws import BrokenLawError, Law, Laws
from seqlab.testing.tasks import TASK_LAWS, check_task
from seqlab.testing.trackers import TRACKER_LAWS, check_tracker

__all__ = [
    "ARCHITECTURE_LAWS",
    "CELL_LAWS",
    "TASK_LAWS",
    "TRACKER_LAWS",
    "BrokenLawError",
    "Law",
    "Laws",
    "check_architecture",
    "check_cell",
    "check_task",
    "check_tracker",
]
