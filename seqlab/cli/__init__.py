"""What do commands do? They parse their arguments, call a lower package, and print."""
