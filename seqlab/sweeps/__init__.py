"""How do many runs become one sweep, and what do they say together?"""
