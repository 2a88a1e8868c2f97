"""How wrong is a prediction?"""
