"""Sections of a report. Each is a function of the runs that returns a section, or None where it has nothing."""
