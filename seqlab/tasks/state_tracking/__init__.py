"""Which state must a network update at every step, however long the sequence is?"""
