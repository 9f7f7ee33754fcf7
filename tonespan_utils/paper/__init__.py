"""What a reader sees: figures, report, explorer, and what made them.

May import: finetune, study, course and below.
"""
