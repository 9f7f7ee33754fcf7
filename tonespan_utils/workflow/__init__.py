"""How notebooks are run: Snakemake, Papermill, processes, and what a run depends on and leaves.

May import: params, statistics, tone, audio, hub and below.
"""
