"""What must a network remember, and for how long?"""
