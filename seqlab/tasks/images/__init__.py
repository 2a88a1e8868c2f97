"""How are images read, or drawn, as sequences?"""
