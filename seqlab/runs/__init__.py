"""How does a config become a run?"""
