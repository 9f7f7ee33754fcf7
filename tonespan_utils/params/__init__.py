"""What a run is: its profile and sections, its conditions and what they are to a language, its tables.

May import: errors, languages.
"""
