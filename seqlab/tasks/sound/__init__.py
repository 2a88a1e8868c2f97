"""What is said? Sounds and what they are called."""
