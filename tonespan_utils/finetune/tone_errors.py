"""Does a recogniser hear tone? Its errors of tone, counted apart from those of sounds.

- ``tone_error_rate``: reference and transcript are read as syllables, and their sounds (onset, nucleus and coda,
  without tone) are aligned by edit distance. Of the syllables whose sounds were transcribed right, the share whose tone
  was not. It says nothing about syllables whose sounds are wrong, so it does not grow with the errors of sounds.
- ``minimal_pair_error``: each reference is paired with texts that differ from it in the tone of one syllable alone,
  spelled as some training transcript spells that syllable. Both are judged by the model's CTC loss; the share of pairs
  in which the wrong text is the likelier one, a tie counting half. Its null is 1/2, whatever the language.

A syllable whose tone the text does not tell for sure (flags) takes no part. Both are nan where none can be judged.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import jiwer
import numpy as np
import torch
from torch.nn import functional as F

from tonespan_utils.finetune.scores import Score, score_of
from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone.parts import Syllable

Tones = Sequence[tuple[str, str]]  # of the syllables of a text whose sounds are right: tone of the reference, and given


def can_be_read(language: str) -> bool:
    """Whether text of ``language`` gives tones."""
    return language in text_to_tone.MODULES


def tone_error_rate(
    references: Sequence[str], transcripts: Sequence[str], *, language: str, level: float, seed: int
) -> Score:
    """The share of wrong tones among syllables whose sounds are right, of texts (utterance,); clusters: utterances.

    Null: the same tones shuffled among those syllables.
    """
    pairs = [aligned_tones(*texts, language=language) for texts in zip(references, transcripts, strict=True)]
    wrong = np.array([sum(true != given for true, given in tones) for tones in pairs], dtype=float)
    null = shuffled_error(
        [true for tones in pairs for true, _ in tones], [given for tones in pairs for _, given in tones]
    )
    counts = np.array([len(tones) for tones in pairs], dtype=float)
    return _rate("tone_error_rate", wrong, counts, null=null, level=level, seed=seed)


def aligned_tones(reference: str, transcript: str, *, language: str) -> Tones:
    """Tone in the reference and in the transcript of each syllable whose sounds both have at one place."""
    sure, given = (_read(text, language) for text in (reference, transcript))
    if not sure or not given:
        return []
    sounds = [" ".join(syllable.ipa for syllable in syllables) for syllables in (sure, given)]
    (chunks,) = jiwer.process_words(*sounds).alignments
    pairs = [
        (sure[chunk.ref_start_idx + i], given[chunk.hyp_start_idx + i])
        for chunk in chunks
        if chunk.type == "equal"
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]
    return [(true.tone, read.tone) for true, read in pairs if not true.flags]


def _read(text: str, language: str) -> list[Syllable]:
    return [syllable for syllable in text_to_tone.syllables(text, language) if syllable.ipa]


def shuffled_error(true: Sequence[str], given: Sequence[str]) -> float:
    """The error to be expected if the tones given were shuffled: 1 - sum over tones of p(true) p(given)."""
    if not true:
        return float("nan")
    shares = [dict(zip(*np.unique(tones, return_counts=True), strict=True)) for tones in (true, given)]
    return 1 - float(sum(count * shares[1].get(tone, 0) for tone, count in shares[0].items())) / len(true) ** 2


def spellings(texts: Sequence[str], language: str) -> dict[str, dict[str, str]]:
    """How texts spell each syllable: sounds -> tone -> characters; of several spellings the first."""
    by_sounds: dict[str, dict[str, str]] = defaultdict(dict)
    for text in texts:
        for syllable in _read(text, language):
            if not syllable.flags and syllable.start < syllable.end:
                by_sounds[syllable.ipa].setdefault(syllable.tone, text[syllable.start : syllable.end])
    return dict(by_sounds)


def twins(text: str, spelled: Mapping[str, Mapping[str, str]], *, language: str, rng: np.random.Generator) -> list[str]:
    """Texts that differ from ``text`` in the tone of one syllable alone, as they are read back: one for each syllable
    that ``spelled`` spells in another tone, which is drawn.
    """
    syllables, made = _read(text, language), []
    for place, syllable in enumerate(syllables):
        others = sorted(set(spelled.get(syllable.ipa, {})) - {syllable.tone})
        if syllable.flags or not others or syllable.start == syllable.end:
            continue
        tone = others[rng.integers(len(others))]
        twin = text[: syllable.start] + spelled[syllable.ipa][tone] + text[syllable.end :]
        expected = [(part.ipa, tone if i == place else part.tone) for i, part in enumerate(syllables)]
        if [(part.ipa, part.tone) for part in _read(twin, language)] == expected:
            made.append(twin)
    return made


def minimal_pair_error(
    references: Sequence[str],
    training: Sequence[str],
    logits: Sequence[np.ndarray],
    encode: Callable[[str], np.ndarray],
    *,
    language: str,
    level: float,
    seed: int,
) -> Score:
    """How often a text with one wrong tone is likelier than the true one, given frames (frame, label) of each.

    ``encode`` gives a text's labels, 0 being CTC's blank; ``training`` are the texts that spell the wrong tones.
    """
    spelled, rng = spellings(training, language), np.random.default_rng(seed)
    errors, counts = np.zeros((2, len(references)))
    for place, (text, frames) in enumerate(zip(references, logits, strict=True)):
        texts = [text, *twins(text, spelled, language=language, rng=rng)]
        true, *others = ctc_losses(frames, [encode(candidate) for candidate in texts])
        counts[place] = len(others)
        errors[place] = sum((other < true) + 0.5 * (other == true) for other in others)
    return _rate("minimal_pair_error", errors, counts, null=0.5, level=level, seed=seed)


def ctc_losses(frames: np.ndarray, labels: Sequence[np.ndarray]) -> list[float]:
    """CTC loss of each label sequence given logits (frame, label); inf where the frames are too few."""
    log_p = torch.from_numpy(np.asarray(frames, dtype=np.float32)).log_softmax(dim=-1)[:, None]
    losses = F.ctc_loss(
        log_p.expand(-1, len(labels), -1),
        torch.from_numpy(np.concatenate(labels)),
        torch.full((len(labels),), len(frames)),
        torch.tensor([len(part) for part in labels]),
        reduction="none",
    )
    return losses.tolist()


def _rate(name: str, errors: np.ndarray, counts: np.ndarray, *, null: float, level: float, seed: int) -> Score:
    """Errors per count, pooled over utterances (utterance,); nan without a count."""
    if counts.sum() == 0:
        return Score(name, *(float("nan"),) * 4)

    def rate(draws: np.ndarray) -> np.ndarray:
        return (draws @ errors) / np.maximum(draws @ counts, 1)

    return score_of(name, rate, len(counts), n_scored=int(counts.sum()), null=null, level=level, seed=seed)
