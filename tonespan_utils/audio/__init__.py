"""One sound file to samples: ``reading`` reads it whole or says why not, then a file a kind of container.

May import: errors, languages.
"""
