"""A small speller per language: legal syllables in its own script, the tone independent of the segments."""
