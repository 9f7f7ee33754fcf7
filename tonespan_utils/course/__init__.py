"""The lessons: exercises that check themselves, and their student and teacher versions.

May import: alignment, instrument and below.
"""
