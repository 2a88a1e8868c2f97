"""How do many runs become one question? What binds the runs of a sweep, and what each answers."""
