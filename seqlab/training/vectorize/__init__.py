"""How do many runs become one compiled program?"""
