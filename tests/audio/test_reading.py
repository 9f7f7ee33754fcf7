import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonespan_utils.audio import mpeg
from tonespan_utils.audio import ogg as ogg_pages
from tonespan_utils.audio.reading import SAMPLE_RATE, build_once, check_length, read
from tonespan_utils.errors import TonespanError

LOSSY_DELAY_S = 0.08  # an mp3 encoder pads either end with up to three frames
FORMATS = [(suffix, rate) for suffix in (".wav", ".flac", ".mp3", ".ogg") for rate in (8_000, 16_000, 22_050, 44_100)]
FORMATS += [(".opus", rate) for rate in (8_000, 16_000, 48_000)]  # Opus has no other rates


def sine(rate: int, *, seconds: float = 0.5, hz: float = 440.0) -> np.ndarray:
    return 0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def store(path: Path, samples: np.ndarray, rate: int, **options) -> Path:
    if path.suffix == ".opus":
        options = {"format": "OGG", "subtype": "OPUS"}
    soundfile.write(path, samples, rate, **options)
    return path


def refuse(path: Path, *words: str) -> None:
    with pytest.raises(TonespanError) as error:
        read(path)
    message = str(error.value)
    assert "\n" not in message
    assert path.name in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(("suffix", "rate"), FORMATS)
def test_every_format_and_rate_becomes_mono_16_khz(tmp_path, suffix, rate):
    left = sine(rate)
    samples = read(store(tmp_path / f"a{suffix}", np.stack([left, 0 * left], axis=1), rate))
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) / SAMPLE_RATE - 0.5) < LOSSY_DELAY_S
    middle = samples[2_000:6_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(np.argmax(spectrum) * SAMPLE_RATE / len(middle) - 440) < 8
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.2, rel=0.05)  # the mean of the two channels


def test_resampling_keeps_times(tmp_path):
    samples = np.zeros(48_000)
    samples[12_000] = 0.9
    assert np.argmax(read(store(tmp_path / "click.wav", samples, 48_000))) == 4_000


def test_float_wav_is_read_exactly(tmp_path):
    samples = np.random.default_rng(0).normal(0, 0.1, 5_000).astype(np.float32)
    np.testing.assert_array_equal(read(store(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")), samples)


def test_unusable_files_are_named(tmp_path):
    refuse(tmp_path / "missing.wav", "no such")
    (tmp_path / "empty.mp3").touch()
    refuse(tmp_path / "empty.mp3", "empty")
    for name in ("text.wav", "text.mp3", "text.opus", "text.flac"):
        (tmp_path / name).write_text("this is no sound\n" * 300)
        refuse(tmp_path / name, "damaged")
    (tmp_path / "notes.txt").write_text("x")
    refuse(tmp_path / "notes.txt", "not an audio file")
    refuse(store(tmp_path / "silent.wav", np.zeros(8_000), SAMPLE_RATE), "silent")
    refuse(store(tmp_path / "none.wav", np.zeros(0), SAMPLE_RATE), "no samples")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    samples = sine(SAMPLE_RATE)
    samples[77] = value
    refuse(store(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT"), "NaN or infinite")


@settings(max_examples=40, deadline=None)
@given(suffix=st.sampled_from([".wav", ".flac", ".opus", ".ogg"]), share=st.floats(0, 1, exclude_max=True))
def test_no_cut_file_passes_for_a_whole_one(tmp_path_factory, suffix, share):
    folder = tmp_path_factory.mktemp("cut")
    whole = store(folder / f"whole{suffix}", sine(16_000), 16_000).read_bytes()
    (folder / f"cut{suffix}").write_bytes(whole[: int(share * len(whole))])
    refuse(folder / f"cut{suffix}")


def test_truncated_mp3(tmp_path):
    whole = store(tmp_path / "whole.mp3", sine(16_000, seconds=2), 16_000).read_bytes()
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path / "cut.mp3", "truncated")


def test_header_that_promises_more_than_there_is(tmp_path):
    data = bytearray(store(tmp_path / "a.wav", sine(16_000), 16_000).read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = (2 * 80_000).to_bytes(4, "little")
    (tmp_path / "liar.wav").write_bytes(data)
    with pytest.raises(TonespanError, match=r"liar\.wav: truncated, 16000 of 160000 bytes"):
        check_length(tmp_path / "liar.wav")


# WAV whose header does not say how long it is, or is laid out in another way

PCM = (0.4 * 32767 * np.sin(np.arange(12_001) / 7)).astype("<i2")
FORMAT = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
NOTE = b"INFOISFT\x05\0\0\0Lavf\0\0"
OPEN_SIZES = [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFF000, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36]


def chunk(name: bytes, body: bytes, *, size: int | None = None, padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2 and padded)


def riff(*chunks: bytes, magic: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def wave64(*, size: int) -> bytes:
    guid = "f3acd3118cd100c04f8edb8a"
    fmt = b"fmt " + bytes.fromhex(guid) + struct.pack("<Q", 40) + FORMAT
    data = b"data" + bytes.fromhex(guid) + struct.pack("<Q", size) + PCM.tobytes()
    root = bytes.fromhex("726966662e91cf11a5d628db04c10000") + struct.pack("<Q", size)
    return root + b"wave" + bytes.fromhex(guid) + fmt + data


def wide(magic: bytes, size: int) -> bytes:
    sizes = chunk(b"ds64", struct.pack("<QQQI", size, size, size // 2, 0))
    return riff(
        sizes, chunk(b"fmt ", FORMAT), chunk(b"data", PCM.tobytes(), size=0xFFFFFFFF), magic=magic, size=2**32 - 1
    )


def laid_out() -> dict[str, bytes]:
    fmt, sound, note = chunk(b"fmt ", FORMAT), chunk(b"data", PCM.tobytes()), chunk(b"LIST", NOTE)
    files = {
        "a note before the format": riff(note, fmt, sound),
        "a note before the sound": riff(fmt, note, sound),
        "a note behind": riff(fmt, sound, note),
        "junk of odd length": riff(chunk(b"JUNK", b"abc"), fmt, sound),
        "junk without padding": riff(chunk(b"JUNK", b"abc", padded=False), fmt, sound),
        "the format behind the sound": riff(sound, fmt),
        "remains of an earlier take behind": riff(fmt, sound) + b"\x10\x20\x80\x91" * 50,
    }
    for size in OPEN_SIZES:
        streamed = chunk(b"data", PCM.tobytes(), size=size)
        files[f"open size {size:#x}"] = riff(fmt, streamed, size=min(size + 36, 2**32 - 1))
        files[f"open size {size:#x} and a note"] = riff(fmt, note, streamed, size=2**32 - 1)
    for size in (2 * len(PCM), 0, 2**63 - 1, 2**64 - 1):
        files |= {f"{magic.decode()} {size:#x}": wide(magic, size) for magic in (b"RF64", b"BW64")}
    return files | {f"Wave64 {size:#x}": wave64(size=size) for size in (24 + 2 * len(PCM), 0, 24, 2**63 - 1, 2**64 - 1)}


@pytest.mark.parametrize("layout", laid_out())
def test_every_layout_of_a_wav_is_read_to_its_end(tmp_path, layout):
    (tmp_path / "a.wav").write_bytes(laid_out()[layout])
    np.testing.assert_array_equal(read(tmp_path / "a.wav"), PCM.astype(np.float32) / 32768)
    check_length(tmp_path / "a.wav")


def test_a_header_whose_size_is_merely_large_is_no_open_one(tmp_path):
    for size in (0x10000000, 0x90000000, 0xF0000000):
        (tmp_path / "a.wav").write_bytes(riff(chunk(b"fmt ", FORMAT), chunk(b"data", PCM.tobytes(), size=size)))
        refuse(tmp_path / "a.wav", "truncated", str(size))
    for name, whole in (("a.w64", wave64(size=24 + 2 * len(PCM))), ("a.rf64", wide(b"RF64", 2 * len(PCM)))):
        (tmp_path / name).write_bytes(whole[:-600])
        refuse(tmp_path / name, "truncated")


def test_a_recording_that_is_empty_is_not_filled_with_the_note_behind_it(tmp_path):
    (tmp_path / "a.wav").write_bytes(riff(chunk(b"fmt ", FORMAT), chunk(b"data", b""), chunk(b"LIST", NOTE * 50)))
    refuse(tmp_path / "a.wav", "no samples")


CODINGS = [("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE")]
CODINGS += [("WAV", "ALAW"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610")]
CODINGS += [("WAVEX", "PCM_16"), ("WAVEX", "FLOAT"), ("RF64", "PCM_24"), ("W64", "FLOAT"), ("FLAC", "PCM_24")]
CODINGS += [("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("AU", "ULAW"), ("CAF", "PCM_16"), ("CAF", "ALAC_16")]


@pytest.mark.parametrize(("container", "coding"), CODINGS)
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_every_coding_keeps_length_and_times(tmp_path, container, coding, rate):
    suffix = {"AIFF": ".aiff", "AU": ".au", "CAF": ".caf", "FLAC": ".flac", "W64": ".w64"}.get(container, ".wav")
    samples = sine(rate)
    samples[: rate // 4] *= 0.01
    soundfile.write(tmp_path / f"a{suffix}", samples, rate, format=container, subtype=coding)
    decoded = read(tmp_path / f"a{suffix}")
    assert abs(len(decoded) - 8_000) < SAMPLE_RATE * 0.07  # ADPCM and GSM fill their last block
    assert abs(np.argmax(np.abs(decoded) > 0.2) / SAMPLE_RATE - 0.25) < 0.002
    whole = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    refuse(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("codec", [0x0161, 0x00FF, 0x2000, 0x0045, 0xABCD])
def test_a_wav_with_a_codec_that_is_not_read(tmp_path, codec):
    fmt = struct.pack("<HHIIHH", codec, 1, 16_000, 32_000, 2, 16)
    (tmp_path / "a.wav").write_bytes(riff(chunk(b"fmt ", fmt), chunk(b"data", PCM.tobytes())))
    refuse(tmp_path / "a.wav", f"0x{codec:04x}", "PCM")


@pytest.mark.parametrize("rate", [1, 3_999, 192_001, 2_000_000_000])
def test_absurd_rates(tmp_path, rate):
    fmt = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate % 2**32, 2, 16)
    (tmp_path / "a.wav").write_bytes(riff(chunk(b"fmt ", fmt), chunk(b"data", PCM.tobytes())))
    refuse(tmp_path / "a.wav", f"{rate} Hz", "4000 to 192000")


# FLAC into a pipe


def without_length(flac: bytes) -> bytes:
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


@pytest.mark.parametrize("n_samples", [1, 17, 4_096, 4_097, 70_001])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_flac_of_unknown_length(tmp_path, n_samples, rate):
    whole = store(tmp_path / "a.flac", sine(rate, seconds=2)[100 : 100 + n_samples], rate)
    (tmp_path / "open.flac").write_bytes(without_length(whole.read_bytes()))
    (tmp_path / "tag.flac").write_bytes(without_length(whole.read_bytes()) + b"TAG".ljust(128, b"x"))
    if n_samples > 1:
        np.testing.assert_array_equal(read(tmp_path / "open.flac"), read(whole))
        np.testing.assert_array_equal(read(tmp_path / "tag.flac"), read(whole))
    (tmp_path / "cut.flac").write_bytes(without_length(whole.read_bytes())[:-3])
    refuse(tmp_path / "cut.flac", "truncated")


# mp3


def mp3(rate: int, *, mode: str = "VARIABLE", seconds: float = 1.0) -> tuple[bytes, np.ndarray]:
    """An mp3 of noise bursts with LAME's header, and the samples."""
    clock_s = np.arange(round(seconds * rate)) / rate
    samples = np.where(clock_s % 0.5 < 0.2, np.random.default_rng(1).normal(0, 0.2, clock_s.size), 0)
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, 1, format="MP3", bitrate_mode=mode, compression_level=0.5) as file:
        file.write(samples)
    return buffer.getvalue(), samples


def without_header(stream: bytes) -> bytes:
    return stream[mpeg._frame(stream, 0).n_bytes :]


def lag_s(path: Path, samples: np.ndarray, rate: int) -> float:
    """How much later the sound in a file is than in the samples it was made of."""
    reference = read(store(path.with_suffix(".flac"), samples, rate))
    ours = read(path)
    spectrum = np.fft.rfft(ours, 2**16) * np.conj(np.fft.rfft(reference, 2**16))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    return (lag - 2**16 * (lag > 2**15)) / SAMPLE_RATE


PICTURE = b"ID3\x04\0\0" + bytes([0, 3, 0, 0]) + b"APIC".ljust(3 * 2**14, b"\xff")
TAG = b"TAG".ljust(128, b"x")


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_mp3_with_and_without_its_header(tmp_path, rate, mode):
    """With LAME's header times are those of the recording; without it, LAME's 576 samples later, and all is read."""
    whole, samples = mp3(rate, mode=mode)
    bare = without_header(whole)
    for name, data in {"whole": whole, "tagged": PICTURE + whole + TAG}.items():
        (tmp_path / f"{name}.mp3").write_bytes(data)
        assert abs(lag_s(tmp_path / f"{name}.mp3", samples, rate)) < 0.001
        assert len(read(tmp_path / f"{name}.mp3")) == pytest.approx(16_000, abs=1)
    for name, data in {"bare": bare, "tagged bare": PICTURE + bare + TAG, "padded": bare + bytes(999)}.items():
        (tmp_path / f"{name}.mp3").write_bytes(data)
        assert lag_s(tmp_path / f"{name}.mp3", samples, rate) == pytest.approx(576 / rate, abs=0.001)
    for name, data in {"cut": bare[:-5], "cut in the middle": whole[: len(whole) // 2]}.items():
        (tmp_path / f"{name}.mp3").write_bytes(data)
        refuse(tmp_path / f"{name}.mp3", "truncated")


def test_a_damaged_mp3_and_two_in_one_file(tmp_path):
    whole, samples = mp3(16_000)
    middle = whole.index(b"\xff", len(whole) // 2)
    (tmp_path / "hole.mp3").write_bytes(whole[:middle] + b"garbage" * 40 + whole[middle:])
    refuse(tmp_path / "hole.mp3", "damaged")
    (tmp_path / "two.mp3").write_bytes(whole + PICTURE + whole)
    refuse(tmp_path / "two.mp3", "several mp3s")
    bare = without_header(whole)
    (tmp_path / "joined.mp3").write_bytes(bare + PICTURE + bare)
    assert len(read(tmp_path / "joined.mp3")) > 2 * len(samples)


# Ogg


def ogg(coding: str = "OPUS", *, seconds: float = 3.0) -> bytes:
    buffer = io.BytesIO()
    samples = np.random.default_rng(2).normal(0, 0.1, round(seconds * 16_000))
    soundfile.write(buffer, samples, 16_000, format="OGG", subtype=coding)
    return buffer.getvalue()


@pytest.mark.parametrize("coding", ["OPUS", "VORBIS"])
def test_ogg_streams_one_after_the_other_are_all_read(tmp_path, coding):
    first, second = ogg(coding), ogg(coding, seconds=1.0)
    (tmp_path / "chain.ogg").write_bytes(first + second)
    assert len(read(tmp_path / "chain.ogg")) == pytest.approx(4 * 16_000, abs=20)


@pytest.mark.parametrize("coding", ["OPUS", "VORBIS"])
def test_every_damage_to_an_ogg_is_noticed(tmp_path, coding):
    whole = ogg(coding)
    pages = [at for at in range(len(whole)) if whole.startswith(b"OggS", at)]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    damaged = {"cut in the last page": whole[:-20], "one bit": bytes(flipped)}
    damaged |= {"page missing": whole[: pages[-3]] + whole[pages[-2] :], "no last page": whole[: pages[-1]]}
    for name, data in damaged.items():
        (tmp_path / f"{name}.ogg").write_bytes(data)
        refuse(tmp_path / f"{name}.ogg")


@pytest.mark.parametrize("coding", ["OPUS", "VORBIS"])
def test_a_stream_under_another_serial_number_is_the_same_sound(tmp_path, coding):
    first, second = ogg(coding), ogg(coding)
    assert first != second, "the encoder draws the number"
    streams = [ogg_pages.with_serial(stream, 7) for stream in (first, second)]
    assert streams[0] == streams[1] and len(streams[0]) == len(first)
    (tmp_path / "a.ogg").write_bytes(first)
    (tmp_path / "b.ogg").write_bytes(streams[0])
    np.testing.assert_array_equal(read(tmp_path / "b.ogg"), read(tmp_path / "a.ogg"))


@pytest.mark.parametrize(("suffix", "rate"), [s for s in FORMATS if s[0] in (".ogg", ".opus")])
def test_lossy_times_are_those_of_the_recording(tmp_path, suffix, rate):
    samples = mp3(rate if rate != 22_050 else 22_050)[1]
    assert abs(lag_s(store(tmp_path / f"a{suffix}", samples, rate), samples, rate)) < 0.001


# Names that say something else, and what is no sound


def test_a_file_is_what_its_bytes_say(tmp_path):
    samples = mp3(16_000)[1]
    (tmp_path / "really.wav").write_bytes(mp3(16_000)[0])
    assert abs(lag_s(tmp_path / "really.wav", samples, 16_000)) < 0.001
    wav = store(tmp_path / "A.WAV", samples, 16_000)
    for name in ("really.mp3", "really.opus", "really.flac"):
        (tmp_path / name).write_bytes(wav.read_bytes())
        np.testing.assert_array_equal(read(tmp_path / name), read(wav))


FOREIGN = {
    b"<!DOCTYPE html><html><body>404</body></html>": "web page",
    b"\n  <html lang=en>Sign in</html>": "web page",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n": "git lfs pull",
    b"\0\0\0\x20ftypM4A \0\0\0\0": "M4A",
    b"\x1a\x45\xdf\xa3webm": "WebM",
    b"#!AMR\n\x3c": "AMR",
    bytes.fromhex("3026b2758e66cf11"): "WMA",
    b"\xff\xf1\x50\x80\x02\x1f\xfc": "AAC",
    b"PK\x03\x04": "zip",
    bytes(2000): "zeros",
    b"Not Found, sorry. Not Found.": "text",
}


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a", ".webm"])
@pytest.mark.parametrize("start", FOREIGN)
def test_what_is_no_sound_is_named(tmp_path, start, suffix):
    (tmp_path / f"a{suffix}").write_bytes(start.ljust(300, b" " if start.isascii() and start.strip(b"\0") else b"\0"))
    refuse(tmp_path / f"a{suffix}", FOREIGN[start])


# Channels and levels


def test_channels_that_cancel_are_named_and_others_are_not(tmp_path):
    left, rng = sine(16_000), np.random.default_rng(4)
    for share in (1.0, 0.95, 0.7):
        refuse(store(tmp_path / "anti.wav", np.stack([left, -share * left], 1), 16_000), "left and right cancel")
    refuse(store(tmp_path / "four.wav", np.stack([left, -left, left, -left], 1), 16_000), "4 channels cancel")
    offset = store(tmp_path / "offset.wav", np.stack([left + 0.3, -left + 0.3], 1), 16_000)
    refuse(offset, "cancel")
    fine = {
        "one dead": [left, 0 * left],
        "six, one alive": [left, *[0 * left] * 5],
        "different": [left, rng.normal(0, 0.2, left.size)],
        "quiet copy reversed": [left, -0.1 * left],
    }
    for name, channels in fine.items():
        path = store(tmp_path / f"{name}.wav", np.stack(channels, 1), 16_000, subtype="FLOAT")
        np.testing.assert_allclose(read(path), np.mean(channels, axis=0), atol=1e-6)


def test_levels(tmp_path):
    loud = np.clip(5 * sine(16_000), -1, 1)
    assert np.abs(read(store(tmp_path / "clipped.wav", loud, 16_000))).max() > 0.99
    assert read(store(tmp_path / "over.wav", 3 * sine(16_000), 16_000, subtype="FLOAT")).max() == pytest.approx(
        1.2, 1e-3
    )
    refuse(store(tmp_path / "ints.wav", 30_000 * sine(16_000), 16_000, subtype="FLOAT"), "not 1")
    refuse(store(tmp_path / "offset.wav", np.full(8_000, 0.1), 16_000), "silent")
    assert len(read(store(tmp_path / "short.wav", sine(48_000)[:5], 48_000))) in (1, 2)


def test_a_header_that_lies_takes_no_memory(tmp_path):
    flac = bytearray(store(tmp_path / "a.flac", sine(16_000), 16_000).read_bytes())
    flac[21] |= 0x0F  # 2**36 samples: 256 GiB
    (tmp_path / "liar.flac").write_bytes(flac)
    refuse(tmp_path / "liar.flac")


def test_a_cache_folder_is_built_once_and_replaced_when_its_key_changes(tmp_path):
    calls = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "x").write_text(str(len(calls)))

    first = build_once(tmp_path / "cache", "a", build)
    assert build_once(tmp_path / "cache", "a", build) == first and (first / "x").read_text() == "1"
    second = build_once(tmp_path / "cache", "b", build)
    assert (second / "x").read_text() == "2" and not first.exists()


def test_an_interrupted_build_leaves_nothing_that_looks_finished(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "cache", "a", fail)
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    assert build_once(tmp_path / "cache", "a", lambda folder: None).is_dir()


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TonespanError, match="cannot write the cache"):
        build_once(tmp_path / "file" / "cache", "a", lambda folder: None)
