"""Statistics: classifier, F1, bootstrap, ranks, splits, and when a number is a finding. Nothing here reads speech.

May import: errors, languages.
"""
