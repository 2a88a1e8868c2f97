"""Which tasks ask for text to be predicted?"""
