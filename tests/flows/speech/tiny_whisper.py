"""A Whisper model of one layer in CTranslate2's own format, made by the tests for the real loading code.

Its weights are small random numbers, except that each token of a script is followed by the next one: whatever it hears, it
says the script. What it hears still decides how often: a window without speech never reaches it.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_WIDTH = 32
_MELS = 80
_FRAMES = 1500
_POSITIONS = 448
_TIMESTAMPS = 1501
_SURE = 6.0
_UNSURE = 1.3
_LANGUAGES = 99
_ACTIONS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")


@dataclass(frozen=True)
class Script:
    """What the model says, as words that become one token each."""

    words: tuple[str, ...] = ("我要", "办", "身份证")
    seconds: float = 2.0
    """When it says that its segment ends."""
    hears_nothing: bool = False
    """It takes whatever it hears for silence (a no_speech_prob near 1) and is unsure of its words."""


def save_tiny_whisper(folder: Path, script: Script = Script()) -> Path:
    """Writes model.bin, config.json, vocabulary.json, tokenizer.json and preprocessor_config.json; returns the folder."""
    from ctranslate2.specs import WhisperSpec

    folder.mkdir(parents=True, exist_ok=True)
    tokens = _vocabulary(script)
    numbers = {token: number for number, token in enumerate(tokens)}
    spec = WhisperSpec(1, 1, 1, 1)
    generator = np.random.default_rng(7)
    _fill_encoder(spec.encoder, generator)
    _fill_decoder(spec.decoder, generator, _followers(script, numbers), len(tokens))
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [numbers["<|endoftext|>"]]
    spec.config.lang_ids = [numbers[f"<|{language}|>"] for language in _languages()]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.save(str(folder))
    _save_tokenizer(folder / "tokenizer.json", tokens)
    preprocessor = {"feature_size": _MELS, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    return folder


def in_hub_cache(root: Path, repository: str, script: Script = Script(), *, revision: str = "a" * 40) -> Path:
    """The model as the Hugging Face hub's cache keeps it under `root`; returns its snapshot's folder."""
    cached = root / f"models--{repository.replace('/', '--')}"
    snapshot = cached / "snapshots" / revision
    made = save_tiny_whisper(cached / "made", script)
    snapshot.mkdir(parents=True)
    (cached / "blobs").mkdir()
    for number, file in enumerate(sorted(made.iterdir())):
        file.rename(cached / "blobs" / str(number))
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    made.rmdir()
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(revision, encoding="ascii")
    return snapshot


def _vocabulary(script: Script) -> list[str]:
    alphabet = _byte_alphabet()
    text = [alphabet[number] for number in range(256)] + [_spelt(word) for word in dict.fromkeys(script.words)]
    text.append("")  # the last token of the text; CTranslate2 tells a multilingual model by it
    special = ["endoftext", "startoftranscript", *_languages(), *_ACTIONS]
    return text + [f"<|{name}|>" for name in special] + [f"<|{number * 0.02:.2f}|>" for number in range(_TIMESTAMPS)]


def _languages() -> list[str]:
    """The codes in Whisper's own order."""
    from whisper_ctranslate2.languages import LANGUAGES

    return list(LANGUAGES)[:_LANGUAGES]


def _followers(script: Script, numbers: dict[str, int]) -> list[tuple[int, int, float]]:
    """Token, the one that follows it, and how sure the model is of that."""
    surety = _UNSURE if script.hears_nothing else _SURE
    spoken = [
        "<|transcribe|>",
        "<|0.00|>",
        *(_spelt(word) for word in script.words),
        f"<|{script.seconds:.2f}|>",
        "<|endoftext|>",
    ]
    heard = "<|nospeech|>" if script.hears_nothing else "<|zh|>"
    pairs = [(numbers[token], numbers[following], surety) for token, following in itertools.pairwise(spoken)]
    return [(numbers["<|startoftranscript|>"], numbers[heard], _SURE), *pairs]


def _fill_encoder(encoder, generator: np.random.Generator) -> None:
    encoder.conv1.weight, encoder.conv1.bias = _small(generator, _WIDTH, _MELS, 3), _small(generator, _WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _small(generator, _WIDTH, _WIDTH, 3), _small(generator, _WIDTH)
    encoder.position_encodings.encodings = _small(generator, _FRAMES, _WIDTH)
    _fill_norm(encoder.layer_norm)
    _fill_attention(encoder.layer[0].self_attention, generator, (3, 1))
    _fill_feed_forward(encoder.layer[0].ffn, generator)


def _fill_decoder(decoder, generator: np.random.Generator, followers: list[tuple[int, int, float]], size: int) -> None:
    embeddings, projection = _small(generator, size, _WIDTH), _small(generator, size, _WIDTH)
    for dimension, (token, following, surety) in enumerate(followers):
        embeddings[token, dimension] = 10.0
        projection[following, dimension] = surety
    decoder.embeddings.weight = embeddings
    decoder.projection.weight = projection
    decoder.position_encodings.encodings = _small(generator, _POSITIONS, _WIDTH)
    _fill_norm(decoder.layer_norm)
    _fill_attention(decoder.layer[0].self_attention, generator, (3, 1))
    _fill_attention(decoder.layer[0].attention, generator, (1, 2, 1))
    _fill_feed_forward(decoder.layer[0].ffn, generator)


def _fill_norm(norm) -> None:
    norm.gamma, norm.beta = np.ones(_WIDTH, np.float32), np.zeros(_WIDTH, np.float32)


def _fill_attention(attention, generator: np.random.Generator, parts: tuple[int, ...]) -> None:
    _fill_norm(attention.layer_norm)
    for linear, part in zip(attention.linear, parts, strict=True):
        linear.weight, linear.bias = _small(generator, part * _WIDTH, _WIDTH), _small(generator, part * _WIDTH)


def _fill_feed_forward(feed_forward, generator: np.random.Generator) -> None:
    _fill_norm(feed_forward.layer_norm)
    feed_forward.linear_0.weight, feed_forward.linear_0.bias = _small(generator, _WIDTH, _WIDTH), _small(generator, _WIDTH)
    feed_forward.linear_1.weight, feed_forward.linear_1.bias = _small(generator, _WIDTH, _WIDTH), _small(generator, _WIDTH)


def _small(generator: np.random.Generator, *shape: int) -> np.ndarray:
    return (generator.standard_normal(shape) * 1e-3).astype(np.float32)


def _save_tokenizer(path: Path, tokens: list[str]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    end = tokens.index("<|endoftext|>")
    ordinary, special = tokens[:end], tokens[end:-_TIMESTAMPS]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(ordinary)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.add_tokens([AddedToken(token, special=False) for token in tokens[-_TIMESTAMPS:]])
    tokenizer.save(str(path))


def _byte_alphabet() -> list[str]:
    """The characters by which byte-level vocabularies write the bytes 0 to 255."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    characters = {byte: chr(byte) for byte in shown} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    return [characters[byte] for byte in range(256)]


def _spelt(word: str) -> str:
    alphabet = _byte_alphabet()
    return "".join(alphabet[byte] for byte in word.encode())
