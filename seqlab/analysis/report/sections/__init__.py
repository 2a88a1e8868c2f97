"""Sections of a report: functions of the runs that return a section, or None where there is nothing."""
