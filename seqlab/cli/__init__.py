"""Commands: read the line, call a lower room, print."""
