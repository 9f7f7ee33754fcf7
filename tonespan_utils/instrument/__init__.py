"""What is measured: front ends, cue width, probes, gradients, energy, spans, other estimators.

May import: corpus, encoders, plots, workflow and below.
"""
