"""Which tasks ask for a formal language to be decided?"""
