"""How does a command read its line and fail?"""
