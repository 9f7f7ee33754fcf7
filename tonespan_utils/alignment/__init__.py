"""Text and speech to times.

May import: corpus, encoders, plots, workflow and below.
"""
