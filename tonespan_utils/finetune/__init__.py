"""Tasks, heads and training: what fine-tuning does to an encoder.

May import: alignment, instrument and below.
"""
