"""How does each format of a file, a folder or the hub become tables?"""
