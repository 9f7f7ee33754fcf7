"""A new CTC head learns alone before the encoder does, as wav2vec 2.0 is fine-tuned (Baevski et al. 2020, section 4.3).

A head of random weights sends arbitrary gradients down, which spoil what the encoder knows before the head knows
anything (Kumar et al. 2022). The encoder is still, so its hidden states are computed once.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from tonespan_utils.finetune.examples import Collate, Example
from tonespan_utils.finetune.training import BETAS, WEIGHT_DECAY, predict

POOL = 400  # utterances at most: their hidden states are kept in memory
BATCH_SIZE = 16
WARMUP_SHARE = 0.2


def teach(
    model: PreTrainedModel, examples: Sequence[Example], collate: Collate, *, steps: int, rate: float, seed: int
) -> None:
    """Train ``model.lm_head`` in place for ``steps`` updates; its learning rate rises to ``rate`` and falls to 0."""
    if not steps:
        return
    rng = np.random.default_rng(seed)
    pool = [examples[i] for i in rng.permutation(len(examples))[:POOL]]
    hidden = [torch.from_numpy(states).to(model.device) for states in _hidden(model, pool, collate)]
    head = model.lm_head
    optimizer = torch.optim.AdamW(head.parameters(), lr=rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    rises = WARMUP_SHARE * steps
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / rises) * (1 - step / steps)
        rows = rng.choice(len(pool), size=min(BATCH_SIZE, len(pool)), replace=False)
        loss = _ctc(head, [hidden[row] for row in rows], [pool[row].target for row in rows], model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _hidden(model: PreTrainedModel, examples: Sequence[Example], collate: Collate) -> list[np.ndarray]:
    """What the head is given of each example: (frame, dimension)."""
    head, model.lm_head = model.lm_head, torch.nn.Identity()
    try:
        return predict(model, examples, collate, lambda outputs: outputs.logits, batch_size=BATCH_SIZE)
    finally:
        model.lm_head = head


def _ctc(head: torch.nn.Module, hidden: list, targets: list, model: PreTrainedModel) -> torch.Tensor:
    """The model's own loss, from hidden vectors on."""
    scores = torch.log_softmax(head(pad_sequence(hidden)).float(), dim=-1)
    joined = torch.from_numpy(np.concatenate(targets)).to(scores.device)
    lengths = [torch.tensor([len(states) for states in each]) for each in (hidden, targets)]
    blank, config = model.config.pad_token_id, model.config
    return F.ctc_loss(scores, joined, *lengths, blank, config.ctc_loss_reduction, config.ctc_zero_infinity)
