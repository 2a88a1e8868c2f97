"""Which tasks ask for something to be remembered?"""
