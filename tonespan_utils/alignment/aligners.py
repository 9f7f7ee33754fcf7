"""Three sources of an aligner: training on the speech itself, a Hugging Face CTC checkpoint, or torchaudio's MMS_FA.

Conventions: a checkpoint is read as :mod:`tonespan_utils.encoders` reads one (no code of its own, safetensors where
there are both, every weight accounted for). Its labels are characters, IPA or Latin letters, whichever spelling of the
language's texts its vocabulary covers best. Frames of a CTC model are those of its convolutional front end.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torchaudio
from transformers import AutoModelForCTC, PreTrainedModel
from transformers.utils import logging as transformers_logging

from tonespan_utils.alignment import align, hmm, labels, spelling
from tonespan_utils.alignment.align import Aligner, Frames
from tonespan_utils.alignment.labels import STAR, Spell
from tonespan_utils.audio.reading import SAMPLE_RATE, build_once
from tonespan_utils.corpus import sources
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import checkpoints, encoder, refusals
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import OUTPUT_ROOT, ROOT, Params
from tonespan_utils.params.sections import Align
from tonespan_utils.tone import text_to_tone

OWN, MMS_FA = "own", "mms_fa"
TOKENIZER = ("vocab.json", "tokenizer_config.json")
SPELLINGS: dict[str, Callable[[Mapping[str, int]], Spell]] = {
    "characters": labels.by_characters, "IPA": labels.by_ipa, "Latin letters": labels.by_letters,
}  # fmt: skip
AS_SPOKEN = {"characters as spoken": partial(labels.by_characters, spelled=spelling.spoken)}  # those of 02_finetune
MIN_COVERED = 0.8  # of the labels of a language's texts; below it stars do the aligning
N_TEXTS = 200  # by which the spelling is chosen
HOP, RECEPTIVE = 320, 400  # samples, of wav2vec 2.0's front end: torchaudio's models do not name theirs


def prepare(params: Params) -> None:
    """Align every tonal language that came with text and no times, once, so that ``sources.load`` finds the tokens."""
    for language in params.speech.tonal if params.align.model else ():
        spoken = sources.untimed(sources.as_given(params, language))
        if len(spoken.utterances):
            parent, key = sources.alignment_place(params, language, spoken)
            build_once(parent, key, partial(_align, params.align, spoken, language))


def _align(settings: Align, spoken: Corpus, language: str, folder: Path) -> None:
    """Write ``tokens.csv``, ``rejected.csv`` and ``aligner.json``, which names the aligner that found the times."""
    aligner = load(settings, spoken, language)
    tokens, rejected = align.tokens(
        spoken, aligner, language=language, min_score=settings.min_score, leave_out=settings.leave_out,
        offset_ms=settings.offset_ms,
    )  # fmt: skip
    tokens.to_csv(folder / "tokens.csv", index=False)
    rejected.to_csv(folder / "rejected.csv", index=False)
    about = {"aligner": aligner.name, "n_labels": len(aligner.vocabulary), "offset_ms": settings.offset_ms}
    (folder / "aligner.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load(settings: Align, corpus: Corpus, language: str) -> Aligner:
    """The aligner that ``settings.model`` names, for a corpus; ``{language}`` in it stands for the language.

    Raises TonespanError for a checkpoint that cannot be read or whose vocabulary is not the language's, and where the
    corpus has nothing to train an aligner on.
    """
    if settings.model == OWN:
        return from_speech(corpus, language, max_minutes=settings.train_minutes)
    if settings.model == MMS_FA:
        return mms_fa(_texts(corpus), language)
    return from_checkpoint(
        settings.model.replace("{language}", language), _texts(corpus), language, revision=settings.revision,
        blank_penalty=settings.blank_penalty,
    )  # fmt: skip


def from_speech(corpus: Corpus, language: str, *, max_minutes: float) -> Aligner:
    """An aligner trained on a corpus' train split, or on its first ``max_minutes``, whole utterances in order."""
    table = corpus.utterances[corpus.utterances["split"] == "train"]
    begins_min = (table["n_samples"].cumsum() - table["n_samples"]) / SAMPLE_RATE / 60
    chosen = table[begins_min < max_minutes]
    texts = zip(chosen["utterance_id"], chosen["text"], strict=True)
    pairs = (
        (corpus.audio(name), labels.write(text, text_to_tone.parse(text, language), hmm.spell)) for name, text in texts
    )
    return hmm.train(pairs).aligner()


def from_checkpoint(
    checkpoint: str, texts: Sequence[str], language: str, *, revision: str | None = None, blank_penalty: float = 0.0
) -> Aligner:
    """An aligner of a language from a CTC checkpoint, in a folder or on the hub; ``texts`` decide the spelling.

    ``blank_penalty`` is subtracted from the log probability of blank: models that spike give it nearly every frame.
    """
    named = str(ROOT / checkpoint) if (ROOT / checkpoint).is_dir() else checkpoint
    folder, _ = checkpoints.checkpoint_folder(named, revision, OUTPUT_ROOT / "data" / "encoders", beside=TOKENIZER)
    vocabulary, model = _vocabulary(folder), _ctc(folder)
    blank = model.config.pad_token_id
    if blank is None or max(vocabulary.values(), default=0) >= model.config.vocab_size:
        raise TonespanError(f"{folder}: vocab.json does not fit a model of {model.config.vocab_size} labels")
    columns = _blank_first(model.config.vocab_size, blank)
    scaled, offset = checkpoints.scales_input(folder, model.config), np.eye(1, len(columns))[0] * blank_penalty
    hop, receptive = encoder.hop(model.config), encoder.receptive(model.config)

    @torch.inference_mode()
    def score_frames(samples: np.ndarray) -> Frames:
        waveform = encoder.prepared(samples, scaled=scaled).to(model.device)
        if waveform.shape[-1] < receptive:
            raise TonespanError(align.TOO_SHORT)
        scores = torch.log_softmax(model(waveform).logits[0].float(), dim=-1).cpu().numpy()[:, columns]
        return Frames(scores - offset, (receptive - 1) / 2 / SAMPLE_RATE, hop / SAMPLE_RATE)

    moved = {
        label: int(np.flatnonzero(columns == number)[0]) for label, number in vocabulary.items() if number != blank
    }
    spellings = AS_SPOKEN if getattr(model.config, "spelling", None) == spelling.SPOKEN else SPELLINGS
    return _spelled(str(checkpoint), moved, score_frames, texts, language, spellings)


def mms_fa(texts: Sequence[str], language: str) -> Aligner:
    """An aligner from torchaudio's MMS_FA.

    torchaudio fetches its weights (1.2 GB, CC BY-NC) and keeps them in torch's cache. Raises TonespanError where they
    cannot be fetched or read, or where MMS_FA cannot write the language.
    """
    bundle = torchaudio.pipelines.MMS_FA
    try:
        model = bundle.get_model(with_star=False)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a damaged file a RuntimeError
        raise TonespanError(f"mms_fa: its weights cannot be fetched or read ({str(error).splitlines()[0]})") from None
    model = model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    vocabulary = {label: number for label, number in bundle.get_dict(star=None).items() if number}
    device = next(model.parameters()).device

    @torch.inference_mode()
    def score_frames(samples: np.ndarray) -> Frames:
        if len(samples) < RECEPTIVE:
            raise TonespanError(align.TOO_SHORT)
        scores, _ = model(torch.as_tensor(samples, dtype=torch.float32, device=device)[None])
        return Frames(scores[0].float().cpu().numpy(), (RECEPTIVE - 1) / 2 / SAMPLE_RATE, HOP / SAMPLE_RATE)

    return _spelled(MMS_FA, vocabulary, score_frames, texts, language, SPELLINGS)


def _texts(corpus: Corpus) -> list[str]:
    return corpus.utterances["text"].tolist()[:N_TEXTS]


def _spelled(
    name: str,
    vocabulary: dict[str, int],
    score_frames: Callable[[np.ndarray], Frames],
    texts: Sequence[str],
    language: str,
    spellings: Mapping[str, Callable[[Mapping[str, int]], Spell]],
) -> Aligner:
    """The aligner with the spelling that its vocabulary covers best. Raises TonespanError below ``MIN_COVERED``."""
    shares = {kind: _covered_share(make(vocabulary), texts, language) for kind, make in spellings.items()}
    best = max(shares, key=lambda kind: shares[kind])  # the first of equals
    if shares[best] < MIN_COVERED:
        covered = ", ".join(f"{100 * share:.0f} % of {kind}" for kind, share in shares.items())
        raise TonespanError(f"{name}: not a recogniser of {language!r}: its vocabulary has {covered} of these texts")
    return Aligner(f"{name} ({best})", vocabulary, spellings[best](vocabulary), score_frames)


def _covered_share(spell: Spell, texts: Sequence[str], language: str) -> float:
    signs = [sign for text in texts for sign in labels.write(text, text_to_tone.parse(text, language), spell)]
    is_covered = [sign.label != STAR for sign in signs if sign.syllable >= 0]
    return float(np.mean(is_covered)) if is_covered else 0.0


def _blank_first(n_labels: int, blank: int) -> np.ndarray:
    return np.array([blank, *(number for number in range(n_labels) if number != blank)])


def _vocabulary(folder: Path) -> dict[str, int]:
    path = folder / "vocab.json"
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TonespanError(f"{path}: cannot be read ({error}); an aligner needs its recogniser's vocabulary") from None
    if not isinstance(vocabulary, dict) or not all(type(number) is int for number in vocabulary.values()):
        raise TonespanError(f"{path}: not a mapping of labels to numbers")
    return vocabulary


def _ctc(folder: Path) -> PreTrainedModel:
    """The checkpoint with its CTC head, every weight accounted for."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        model, info = AutoModelForCTC.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="sdpa", trust_remote_code=False, output_loading_info=True
        )
    except Exception as error:  # whatever files and values make of transformers' checks
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TonespanError(f"{folder}: cannot be read as a CTC model ({reason})") from None
    finally:
        transformers_logging.set_verbosity(level)
    refusals.check_all_weights(folder, info)
    return model.eval().requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")
