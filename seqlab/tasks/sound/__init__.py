"""Which tasks ask for sounds to be named or written down?"""
