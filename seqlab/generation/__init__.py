"""How is a sequence written?"""
