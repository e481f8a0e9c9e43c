"""Pictures of every kind, whole and broken. All are made here; none comes from a file."""

from __future__ import annotations

import io
import pickle
import struct
import subprocess
import sys
import textwrap
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from kiosk.runtime.imaging import (
    MAX_JPEG_SCANS,
    DecodedImage,
    ImageError,
    ImageFault,
    ImageLimits,
    crop_with_margin,
    decode_image,
    encode_jpeg,
    strip_metadata,
    thumbnail,
)

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
EXIF_ORIENTATION, EXIF_GPS, EXIF_MAKE = 0x0112, 0x8825, 0x010F
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
DEFAULTS = ImageLimits()


def photo(width: int = 48, height: int = 40) -> Image.Image:
    """A smooth picture without symmetry: red grows to the right, green downwards, and one corner is blue."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pixels = np.stack([x, y, np.full_like(x, 64)], axis=-1).astype(np.uint8)
    pixels[: height // 4, : width // 4] = BLUE
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(size: tuple[int, int], depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    return PNG_MAGIC + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def with_exif(jpeg: bytes, tiff: bytes) -> bytes:
    """The JPEG with raw bytes for its EXIF, in the place of its JFIF header, as cameras write it."""
    (length,) = struct.unpack_from(">H", jpeg, 4)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[4 + length :]


def tiff(*entries: tuple[int, int, int, bytes]) -> bytes:
    fields = b"".join(struct.pack("<HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + struct.pack("<I", 0)


def swapped_profile() -> bytes:
    """A colour profile whose red and green primaries are exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ") + 4, profile.index(b"gXYZ") + 4
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile)


def near(pixels: np.ndarray, expected: object, levels: int) -> bool:
    return bool((np.abs(pixels.astype(int) - np.asarray(expected, dtype=int)) <= levels).all())


def fault_of(data: bytes, limits: ImageLimits = DEFAULTS) -> ImageFault:
    with pytest.raises(ImageError) as caught:
        decode_image(data, limits)
    assert caught.value.detail
    return caught.value.fault


@pytest.mark.parametrize(
    ("kind", "options", "levels"),
    [
        pytest.param("JPEG", {"quality": 95, "subsampling": 0}, 12, id="jpeg"),
        pytest.param("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 12, id="progressive jpeg"),
        pytest.param("PNG", {}, 0, id="png"),
        pytest.param("BMP", {}, 0, id="bmp"),
        pytest.param("WEBP", {"lossless": True}, 0, id="lossless webp"),
        pytest.param("WEBP", {"quality": 95}, 24, id="webp"),
    ],
)
def test_accepted_formats(kind: str, options: dict, levels: int) -> None:
    image = photo()
    decoded = decode_image(saved(image, kind, **options))

    assert (decoded.width, decoded.height, decoded.scale) == (48, 40, 1.0)
    assert decoded.pixels_rgb.shape == (40, 48, 3)
    assert decoded.pixels_rgb.dtype == np.uint8
    assert decoded.pixels_rgb.flags.c_contiguous
    assert near(decoded.pixels_rgb[15:], np.asarray(image)[15:], levels)
    assert near(decoded.pixels_rgb[2:7, 2:9], BLUE, max(levels, 3))


def test_of_a_multi_picture_jpeg_the_first_is_taken() -> None:
    data = saved(Image.new("RGB", (32, 16), RED), "MPO", save_all=True, append_images=[Image.new("RGB", (32, 16), BLUE)])
    decoded = decode_image(data)
    assert (decoded.width, decoded.height) == (32, 16)
    assert near(decoded.pixels_rgb, RED, 3)


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        pytest.param(Image.new("L", (4, 4), 90), "PNG", (90, 90, 90), id="grey png"),
        pytest.param(Image.new("L", (4, 4), 90), "JPEG", (90, 90, 90), id="grey jpeg"),
        pytest.param(Image.new("1", (4, 4), 1), "PNG", WHITE, id="one bit png"),
        pytest.param(Image.new("1", (4, 4), 0), "BMP", (0, 0, 0), id="one bit bmp"),
        pytest.param(Image.new("RGB", (4, 4), RED).quantize(4), "PNG", RED, id="palette"),
        pytest.param(Image.new("RGB", (4, 4), RED).quantize(4), "BMP", RED, id="palette bmp"),
        pytest.param(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG", WHITE, id="wholly transparent"),
        pytest.param(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG", (127, 127, 127), id="half transparent"),
        pytest.param(Image.new("RGBA", (4, 4), (255, 0, 0, 0)).quantize(4), "PNG", WHITE, id="palette with alpha"),
        pytest.param(Image.new("LA", (4, 4), (0, 51)), "PNG", (204, 204, 204), id="grey with alpha"),
        pytest.param(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "WEBP", WHITE, id="transparent webp"),
        pytest.param(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", RED, id="cmyk jpeg"),
    ],
)
def test_colour_modes(image: Image.Image, kind: str, expected: tuple[int, int, int]) -> None:
    assert near(decode_image(saved(image, kind)).pixels_rgb, expected, 2)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(png((2, 1), 16, 0, b"\0" + struct.pack(">2H", 65535, 0x5A00)), [255, 0x5A], id="16 bit grey"),
        pytest.param(png((2, 1), 16, 2, b"\0" + struct.pack(">6H", *[65535] * 3, *[0x5A00] * 3)), [255, 0x5A], id="16 bit rgb"),
        pytest.param(png((2, 1), 16, 4, b"\0" + struct.pack(">4H", 0, 0, 0x5A00, 65535)), [255, 0x5A], id="16 bit grey, alpha"),
        pytest.param(png((2, 1), 8, 0, b"\0\x05\x5a", chunk(b"tRNS", b"\0\x05")), [255, 0x5A], id="grey, one value transparent"),
        pytest.param(png((2, 1), 1, 0, b"\0\x80", chunk(b"tRNS", b"\0\1")), [255, 0], id="one bit, white transparent"),
    ],
)
def test_rare_pngs(data: bytes, expected: list[int]) -> None:
    assert decode_image(data).pixels_rgb[0, :, 0].tolist() == expected


def test_ycck_jpeg() -> None:
    """Adobe's other four-channel form: luminance and chrominance of the inks, and an inverted black."""
    inks = Image.new("RGB", (16, 16), (0, 255, 255)).convert("YCbCr")
    stored = Image.merge("CMYK", [*(ImageOps.invert(band) for band in inks.split()), Image.new("L", (16, 16), 0)])
    data = bytearray(saved(stored, "JPEG", quality=95))
    data[data.index(b"Adobe") + 11] = 2
    assert near(decode_image(bytes(data)).pixels_rgb, RED, 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    data = saved(photo(), kind, exif=exif, quality=95, lossless=True)

    decoded = decode_image(data)

    assert (decoded.width, decoded.height) == ((48, 40) if orientation < 5 else (40, 48))
    oracle = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert near(decoded.pixels_rgb, oracle, 0)


def test_a_picture_taken_upright_with_the_phone_on_its_side() -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    decoded = decode_image(saved(photo(), "PNG", exif=exif))
    assert near(decoded.pixels_rgb[:10, -10:], BLUE, 0), "the blue corner moves from the left to the right"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff" * 60, id="garbage"),
        pytest.param(b"II*\0", id="cut off"),
        pytest.param(tiff((EXIF_ORIENTATION, 3, 1, b"\x63\0\0\0")), id="orientation 99"),
        pytest.param(tiff((EXIF_ORIENTATION, 2, 4, b"abc\0")), id="orientation in letters"),
        pytest.param(tiff((0x11A, 1, 1, b"\1\0\0\0"), (0x128, 3, 1, b"\2\0\0\0")), id="resolution of a wrong type"),
        pytest.param(tiff((0x11A, 5, 0xFFFFFFFF, b"\1\0\0\0")), id="four billion values"),
    ],
)
def test_broken_exif_is_ignored(broken: bytes) -> None:
    decoded = decode_image(with_exif(saved(photo(), "JPEG"), broken))
    assert (decoded.width, decoded.height) == (48, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_colour_profile_is_applied(kind: str) -> None:
    data = saved(Image.new("RGB", (16, 16), RED), kind, icc_profile=swapped_profile(), lossless=True)
    assert near(decode_image(data).pixels_rgb, GREEN, 4)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        pytest.param("RGB", b"no profile at all", id="garbage"),
        pytest.param("RGB", swapped_profile()[:200], id="cut off"),
        pytest.param("RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="of another colour space"),
        pytest.param("RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), id="srgb itself"),
        pytest.param("CMYK", swapped_profile(), id="of rgb on a cmyk picture"),
    ],
)
def test_useless_colour_profile_is_ignored(mode: str, profile: bytes) -> None:
    colour = RED if mode == "RGB" else (0, 255, 255, 0)
    decoded = decode_image(saved(Image.new(mode, (16, 16), colour), "JPEG", quality=95, icc_profile=profile))
    assert near(decoded.pixels_rgb, RED, 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
@pytest.mark.parametrize(
    ("size", "expected", "scale"),
    [
        pytest.param((200, 150), (200, 150), 1.0, id="as large as allowed"),
        pytest.param((400, 300), (200, 150), 2.0, id="twice as large"),
        pytest.param((1600, 1200), (200, 150), 8.0, id="eight times as large"),
        pytest.param((360, 270), (180, 135), 2.0, id="halved, since most of the pixels remain"),
        pytest.param((250, 100), (200, 80), 1.25, id="resampled, since half would be too small"),
        pytest.param((84, 420), (40, 200), 2.1, id="upright"),
        pytest.param((1000, 1), (200, 1), 5.0, id="a line"),
    ],
)
def test_large_pictures_are_reduced(kind: str, size: tuple[int, int], expected: tuple[int, int], scale: float) -> None:
    decoded = decode_image(saved(photo(*size), kind), ImageLimits(max_side=200))
    assert (decoded.width, decoded.height) == size
    assert decoded.pixels_rgb.shape == (expected[1], expected[0], 3)
    assert decoded.scale == pytest.approx(scale)
    if size[1] > 1:
        whole = np.asarray(photo(*size).resize(expected, Image.Resampling.BOX))
        assert np.abs(decoded.pixels_rgb.astype(int) - whole).mean() < 4


def test_size_is_that_of_the_upright_picture_even_when_reduced() -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 8
    decoded = decode_image(saved(photo(400, 300), "JPEG", exif=exif), ImageLimits(max_side=100))
    assert (decoded.width, decoded.height, decoded.pixels_rgb.shape) == (300, 400, (100, 75, 3))


APNG = saved(photo(), "PNG", save_all=True, append_images=[Image.new("RGB", (48, 40))])
ANIMATED_WEBP = saved(photo(), "WEBP", save_all=True, append_images=[Image.new("RGB", (48, 40))])


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(b"", ImageFault.EMPTY, id="nothing"),
        pytest.param(saved(photo(), "GIF"), ImageFault.UNSUPPORTED_FORMAT, id="gif"),
        pytest.param(saved(photo(), "TIFF"), ImageFault.UNSUPPORTED_FORMAT, id="tiff"),
        pytest.param(saved(photo(), "ICO"), ImageFault.UNSUPPORTED_FORMAT, id="ico"),
        pytest.param(saved(photo(), "PDF"), ImageFault.UNSUPPORTED_FORMAT, id="pdf"),
        pytest.param(saved(photo(), "AVIF"), ImageFault.UNSUPPORTED_FORMAT, id="avif"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(40), ImageFault.UNSUPPORTED_FORMAT, id="heic"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", ImageFault.UNSUPPORTED_FORMAT, id="svg"),
        pytest.param("不是图片".encode(), ImageFault.UNSUPPORTED_FORMAT, id="text"),
        pytest.param(b"\xff\xd8\xff", ImageFault.UNREADABLE, id="jpeg of three bytes"),
        pytest.param(PNG_MAGIC, ImageFault.UNREADABLE, id="png of eight bytes"),
        pytest.param(b"BM", ImageFault.UNREADABLE, id="bmp of two bytes"),
        pytest.param(b"RIFF\0\0\0\0WEBP", ImageFault.UNREADABLE, id="webp of twelve bytes"),
        pytest.param(png((0, 5), 8, 2, b""), ImageFault.TOO_SMALL, id="png without width"),
        pytest.param(saved(photo(), "BMP").replace(struct.pack("<ii", 48, 40), bytes(8)), ImageFault.TOO_SMALL, id="bmp of 0x0"),
        pytest.param(
            saved(photo(), "JPEG").replace(struct.pack(">HH", 40, 48), struct.pack(">HH", 0, 48)),
            ImageFault.TOO_SMALL,
            id="jpeg without height",
        ),
        pytest.param(APNG, ImageFault.ANIMATED, id="animated png"),
        pytest.param(ANIMATED_WEBP, ImageFault.ANIMATED, id="animated webp"),
    ],
)
def test_refused(data: bytes, fault: ImageFault) -> None:
    assert fault_of(data) is fault


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_files_are_refused(kind: str, kept: float) -> None:
    data = saved(photo(), kind)
    decode_image(data)
    assert fault_of(data[: int(len(data) * kept)]) is ImageFault.UNREADABLE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_file_without_its_last_byte_is_refused(kind: str) -> None:
    assert fault_of(saved(photo(), kind)[:-1]) is ImageFault.UNREADABLE


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        pytest.param(ImageLimits(max_bytes=100), ImageFault.TOO_MANY_BYTES, id="bytes"),
        pytest.param(ImageLimits(max_pixels=48 * 40 - 1), ImageFault.TOO_MANY_PIXELS, id="pixels"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_limits(kind: str, limits: ImageLimits, fault: ImageFault) -> None:
    data = saved(photo(), kind)
    decode_image(data, ImageLimits(max_bytes=len(data), max_pixels=48 * 40))
    assert fault_of(data, limits) is fault


def test_a_limit_beyond_pillows_own_is_honoured() -> None:
    side = 13_500
    decoded = decode_image(saved(Image.new("1", (side, side)), "PNG"), ImageLimits(max_pixels=200_000_000, max_side=64))
    assert (decoded.width, decoded.height) == (side, side)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = saved(photo(), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    decode_image(data[:-2] + scan * 10 + data[-2:])
    assert fault_of(data[:-2] + scan * MAX_JPEG_SCANS + data[-2:]) is ImageFault.UNREADABLE


def run_length_bmp(width: int, height: int) -> bytes:
    """Rows of one pixel of colour 5 and nothing else."""
    rows = b"\1\5\0\0" * height + b"\0\1"
    palette = b"".join(bytes([value, 0, 255 - value, 0]) for value in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 256, 0)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + palette + rows


def test_run_length_bmp() -> None:
    decoded = decode_image(run_length_bmp(5, 3))
    assert decoded.pixels_rgb[:, 0].tolist() == [[250, 0, 5]] * 3
    assert fault_of(run_length_bmp(5_000, 5_000)) is ImageFault.TOO_MANY_PIXELS


def test_a_bmp_whose_fourth_channel_was_left_at_zero() -> None:
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, 6, 6, 1, 32, 3, 144, 0, 0, 0, 0) + masks + bytes(52)
    data = b"BM" + struct.pack("<IHHI", 14 + 108 + 144, 0, 0, 14 + 108) + header + bytes([0, 0, 255, 0]) * 36
    assert near(decode_image(data).pixels_rgb, RED, 0)
    assert near(decode_image(data, ImageLimits(max_side=3)).pixels_rgb, RED, 0)


BOMBS = {
    "png": png((60_000, 60_000), 8, 2, bytes(1000)),
    "bmp": saved(photo(), "BMP").replace(struct.pack("<ii", 48, 40), struct.pack("<ii", 60_000, 60_000)),
    "upside down bmp": saved(photo(), "BMP").replace(struct.pack("<ii", 48, 40), struct.pack("<ii", 60_000, -60_000)),
    "jpeg": saved(photo(), "JPEG").replace(struct.pack(">HH", 40, 48), struct.pack(">HH", 60_000, 60_000)),
    "webp": b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xfe\x3f\0\xfe\x3f\0" + saved(photo(), "WEBP")[12:],
    "lossless webp": b"RIFF\x30\0\0\0WEBPVP8L\x20\0\0\0\x2f\xff\xff\xff\x0f" + bytes(40),
}


def test_bombs_allocate_nothing_and_lack_of_memory_is_an_answer(tmp_path: Path) -> None:
    """In a process of its own with little memory left: whatever allocated a bomb's pixels would fail, and be told apart."""
    for name, data in BOMBS.items():
        (tmp_path / name).write_bytes(data)
    big = png((6_000, 6_000), 8, 2, bytes(6_000 * (6_000 * 3 + 1)))
    (tmp_path / "within the limit, beyond the memory").write_bytes(big)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1024 * 1024)))
    (tmp_path / "text").write_bytes(png((2, 1), 8, 0, b"\0\0\0", *[text] * 300))
    script = f"""
        import pathlib, resource
        from kiosk.runtime.imaging import ImageError, decode_image
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20, -1))
        for path in sorted(pathlib.Path({str(tmp_path)!r}).iterdir()):
            try:
                decode_image(path.read_bytes())
                print(path.name, "decoded", sep=":")
            except ImageError as error:
                print(path.name, error.fault.value + " " * ("no memory" in error.detail), sep=":")
    """
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux to limit a process's memory")
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=Path(__file__).parents[2])

    answers = dict(line.split(":") for line in result.stdout.splitlines())
    assert {name: answers[name] for name in BOMBS} == dict.fromkeys(BOMBS, "too_many_pixels")
    assert answers["within the limit, beyond the memory"] == "unreadable ", "and says so"
    assert answers["text"] == "unreadable"
    assert result.stderr == ""


def is_sound(decoded: DecodedImage) -> bool:
    height, width, channels = decoded.pixels_rgb.shape
    return height > 0 and width > 0 and channels == 3 and decoded.pixels_rgb.dtype == np.uint8 and decoded.scale >= 1.0


@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "PNG", "palette PNG", "BMP", "WEBP", "lossless WEBP"])
def test_damaged_bytes_give_a_picture_or_an_image_error(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION], exif[EXIF_MAKE] = 6, "Maker"
    image = photo().quantize(16) if "palette" in kind else photo()
    options = {"progressive": "progressive" in kind, "lossless": "lossless" in kind}
    whole = saved(image, kind.rsplit(maxsplit=1)[-1], exif=exif, icc_profile=swapped_profile(), **options)
    random = np.random.default_rng(20260113)
    decoded = refused = 0
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("always")
        for round_number in range(300):
            data = bytearray(whole)
            for position in random.integers(0, len(data), size=random.integers(1, 8)):
                data[position] = random.integers(0, 256)
            if round_number % 3 == 0:
                del data[random.integers(1, len(data)) :]
            try:
                assert is_sound(decode_image(bytes(data), ImageLimits(max_pixels=4_000_000, max_side=32)))
                decoded += 1
            except ImageError:
                refused += 1
    assert refused > 90
    assert kind == "PNG" or "palette" in kind or "WEBP" in kind or decoded > 10
    assert not printed
    assert capfd.readouterr() == ("", "")


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ImageError(ImageFault.ANIMATED, "several frames")))
    assert (error.fault, error.detail) == (ImageFault.ANIMATED, "several frames")


def test_neither_pixels_nor_bytes_are_shown() -> None:
    assert "pixels" not in repr(decode_image(saved(photo(), "PNG")))
    with pytest.raises(ImageError) as caught:
        decode_image(saved(photo(), "JPEG")[:300])
    assert len(str(caught.value)) < 200


def test_strip_metadata() -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION], exif[EXIF_MAKE] = 6, "Maker of the camera"
    exif.get_ifd(EXIF_GPS)[1] = "N"
    original = saved(photo(400, 300), "JPEG", exif=exif, comment=b"home", icc_profile=swapped_profile())
    assert b"Maker of the camera" in original

    stored = strip_metadata(original, ImageLimits(max_side=200))

    image = Image.open(io.BytesIO(stored))
    assert (image.format, image.size) == ("JPEG", (150, 200))
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not image.getexif()
    uploaded = decode_image(original, ImageLimits(max_side=200)).pixels_rgb
    assert np.abs(decode_image(stored).pixels_rgb.astype(int) - uploaded).mean() < 3


def test_encode_jpeg_keeps_the_picture() -> None:
    pixels = np.asarray(photo(200, 100))
    assert np.abs(decode_image(encode_jpeg(pixels, quality=95)).pixels_rgb.astype(int) - pixels).mean() < 3
    assert len(encode_jpeg(pixels, quality=30)) < len(encode_jpeg(pixels, quality=95))
    assert encode_jpeg(pixels[:, ::-1]), "a view that is not contiguous"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(np.zeros((4, 4), np.uint8), id="grey"),
        pytest.param(np.zeros((4, 4, 4), np.uint8), id="four channels"),
        pytest.param(np.zeros((4, 4, 3), np.float32), id="floats"),
        pytest.param(np.zeros((0, 4, 3), np.uint8), id="empty"),
    ],
)
def test_wrong_arrays_are_named(wrong: np.ndarray) -> None:
    for use in (encode_jpeg, lambda pixels: thumbnail(pixels, 10), lambda pixels: crop_with_margin(pixels, (0, 0, 1, 1), 0)):
        with pytest.raises(ValueError, match="expected height x width x 3 of uint8, got"):
            use(wrong)


@pytest.mark.parametrize(
    ("box", "margin", "rows", "columns"),
    [
        pytest.param((10, 20, 20, 40), 0, (20, 40), (10, 20), id="as it is"),
        pytest.param((10, 20, 20, 30), 0.5, (15, 35), (5, 25), id="with half of it around"),
        pytest.param((10.6, 20.4, 19.2, 30.1), 0, (20, 31), (10, 20), id="fractions go outwards"),
        pytest.param((-5, -5, 10, 10), 0.1, (0, 12), (0, 12), id="beyond the corner"),
        pytest.param((90, 40, 130, 80), 0, (40, 50), (90, 100), id="beyond the other corner"),
    ],
)
def test_crop_with_margin(
    box: tuple[float, float, float, float], margin: float, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (50, 100, 3), dtype=np.uint8)
    crop = crop_with_margin(pixels, box, margin)
    assert np.array_equal(crop, pixels[slice(*rows), slice(*columns)])
    assert crop.flags.c_contiguous
    assert crop.base is None, "a copy, so that the whole picture is not kept"


@pytest.mark.parametrize(
    ("box", "margin"),
    [
        pytest.param((10, 10, 10, 20), 0, id="no width"),
        pytest.param((20, 10, 10, 20), 0, id="inside out"),
        pytest.param((200, 10, 210, 20), 0.1, id="outside"),
        pytest.param((-30, 10, -20, 20), 0.1, id="outside on the left"),
        pytest.param((float("nan"), 0, 5, 5), 0, id="not a number"),
        pytest.param((0, 0, 5, 5), -0.1, id="negative margin"),
    ],
)
def test_crop_refuses(box: tuple[float, float, float, float], margin: float) -> None:
    with pytest.raises(ValueError, match="box"):
        crop_with_margin(np.zeros((50, 100, 3), np.uint8), box, margin)


def test_thumbnail() -> None:
    pixels = np.asarray(photo(200, 100))
    assert thumbnail(pixels, 64).shape == (32, 64, 3)
    assert thumbnail(pixels, 200) is pixels
