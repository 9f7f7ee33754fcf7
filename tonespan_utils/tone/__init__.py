"""Text to syllables with tone: ``text_to_tone`` is where to begin, then a file per language.

May import: errors, languages.
"""
