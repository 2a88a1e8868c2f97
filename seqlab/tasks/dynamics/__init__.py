"""Which dynamics must a network form: states that last, lines of states, clocks, oscillations?"""
