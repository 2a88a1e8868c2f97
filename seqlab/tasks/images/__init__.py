"""Which tasks ask for images to be read or drawn as sequences?"""
