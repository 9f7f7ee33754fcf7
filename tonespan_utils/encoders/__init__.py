"""Waveform to hidden states, and gradients back.

May import: params, statistics, tone, audio, hub and below.
"""
