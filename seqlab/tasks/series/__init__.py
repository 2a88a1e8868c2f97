"""How do series continue, and to which class do they belong?"""
