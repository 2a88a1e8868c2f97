"""Which tasks ask for a measured series to be forecast?"""
