"""What do these runs say, on one page? A self-contained `report.html` from run folders alone."""

from seqlab.analysis.report.page import write_report, write_sweep_report

__all__ = ["write_report", "write_sweep_report"]
