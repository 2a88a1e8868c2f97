"""How do files, folders, corpora and hub sets become typed columns, splits, vocabularies and scalers?"""
