"""How does a search choose its runs, and which of them does it end early?"""
