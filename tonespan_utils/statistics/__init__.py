"""Classifier, F1, bootstrap, ranks, splits, and when a number is a finding. No speech in here.

May import: errors, languages.
"""
