"""How do many runs become programs and jobs?"""
