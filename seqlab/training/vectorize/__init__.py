"""Many runs as one program."""
