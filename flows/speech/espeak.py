"""eSpeak NG by its C library, which comes with its voices in the package espeakng-loader. Not thread-safe."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

VOICE_NAME = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}(?:\+[A-Za-z0-9_-]{1,20})?", re.ASCII)
"""E.g. cmn, en-gb, cmn+f3; the part behind + is a variant of the voice."""

_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
"""An error of its own must not end the process."""
_CHARS_UTF8 = 1
"""Nothing else: neither SSML nor [[phonemes]] in the text have a meaning."""
_POSITION_CHARACTER = 1
_RATE = 1
_WORDS_PER_MINUTE = 180
"""About four characters a second, as announcements in halls are read."""


class EspeakError(Exception):
    """The library does not do what it should; the message is one line."""


class UnknownVoice(EspeakError):
    """There is no voice of this name."""


class Espeak:
    """The library, initialised once a process."""

    def __init__(self) -> None:
        import espeakng_loader

        try:
            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EspeakError(f"eSpeak NG can't be loaded: {error}") from None
        self._declare()
        self.rate = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT)
        """Samples a second."""
        if self.rate <= 0:
            raise EspeakError("eSpeak NG finds none of its voices")
        self._pcm = bytearray()
        # Kept as long as the library: it calls this with every piece of sound.
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_SetParameter(_RATE, _WORDS_PER_MINUTE, 0)
        self._voice = ""

    def synthesise(self, text: str, voice: str) -> bytes:
        """Signed 16-bit samples of one channel, `self.rate` a second. Raises UnknownVoice, EspeakError."""
        self._choose(voice)
        self._pcm.clear()
        data = text.encode() + b"\0"
        status = self._library.espeak_Synth(data, len(data), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
        if status != 0:
            raise EspeakError(f"eSpeak NG reports status {status}")
        return bytes(self._pcm)

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        if not VOICE_NAME.fullmatch(voice) or self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            self._voice = ""
            raise UnknownVoice(voice)
        self._voice = voice

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._pcm += ctypes.string_at(samples, count * ctypes.sizeof(ctypes.c_short))
        return 0

    def _declare(self) -> None:
        library = self._library
        library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        library.espeak_SetSynthCallback.argtypes = [_Callback]
        library.espeak_SetSynthCallback.restype = None
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        library.espeak_SetParameter.argtypes = [ctypes.c_int] * 3
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def has_voice(name: str) -> bool:
    """Whether the package brings this voice, told from its files alone."""
    import espeakng_loader

    if not VOICE_NAME.fullmatch(name):
        return False
    language, _, variant = name.partition("+")
    data = Path(espeakng_loader.get_data_path())
    known = {path.name.lower() for path in (data / "lang").rglob("*") if path.is_file()}
    return language in known and (not variant or (data / "voices" / "!v" / variant).is_file())
