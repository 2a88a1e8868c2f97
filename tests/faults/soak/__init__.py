"""Soak test: many kills, signals, damaged files, changed configs, full disks and fuzzed overrides."""
