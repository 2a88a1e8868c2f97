"""How do files, folders, corpora and hub datasets become columns, splits, vocabularies and standardizers?

`reader` reads the source that a task names as tables; `columns` holds one encoder for each kind of column;
`encoded` puts them together: tables, splits, fitted encoders, arrays. `readers` holds one file format in a
file, `media` the decoders of images, sounds and scores, `corpora` the data sets that have a name.
"""
