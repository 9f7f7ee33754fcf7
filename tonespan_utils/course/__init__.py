"""The course: the exercises of each lesson, the checks that answer with a hint, student and teacher versions.

May import: alignment, instrument and below.
"""
