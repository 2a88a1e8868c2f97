"""Which tasks ask for music?"""
