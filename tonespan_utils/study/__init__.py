"""What the numbers mean: conditions compared, claims, calibration, sanity checks, quality flags.

May import: alignment, instrument and below.
"""
