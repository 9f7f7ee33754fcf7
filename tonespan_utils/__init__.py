"""tonespan: how far do self-supervised speech models listen for tone?"""
