"""What is measured: front ends, cue width, probes, gradients and their energy, spans, other attributions, behaviour.

May import: corpus, encoders, plots, workflow and below.
"""
