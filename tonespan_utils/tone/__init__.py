"""Text to syllables with tone: ``text_to_tone`` is the door, then a file a language.

May import: errors, languages.
"""
