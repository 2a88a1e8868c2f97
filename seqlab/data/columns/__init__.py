"""How do the values of one column become arrays? One kind of column in a file."""
