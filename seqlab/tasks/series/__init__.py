"""Which tasks ask for a series, measured or generated, to be forecast?"""
