"""How is a sequence generated?"""
