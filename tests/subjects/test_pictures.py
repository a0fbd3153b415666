import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrpwidgets.subjects import open_picture
from lrpwidgets.subjects.pictures import FORMATS, MAX_PIXELS, WINDOW, suffixes


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def bare_png(width, height, depth=8, colour=0, rows=b""):
    """A PNG that claims this size and holds these rows; by default grey, with nothing in it."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))


def test_a_path_its_text_bytes_and_an_open_file_give_the_same_picture(tmp_path, noise):
    path = tmp_path / "noise.png"
    noise.save(path)
    with path.open("rb") as file:
        pictures = [open_picture(source) for source in (path, str(path), path.read_bytes(), file)]
    assert all(picture.tobytes() == noise.tobytes() for picture in pictures)


def test_a_text_file_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"'notes.txt' is no image that Pillow can read"):
        open_picture(b"buy milk", name="notes.txt")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match=r"empty.jpg' is no image"):
        open_picture(tmp_path / "empty.jpg")


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.png"):
        open_picture(tmp_path / "nowhere.png")


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
def test_a_truncated_picture_is_refused(kind, noise):
    data = encoded(noise, kind)
    with pytest.raises(ValueError, match=r"'photo' is (damaged or truncated|no image)"):
        open_picture(data[: len(data) // 2], name="photo")


def test_formats_that_start_other_programs_are_refused(noise):
    with pytest.raises(ValueError, match="no image"):
        open_picture(encoded(noise, "EPS"))


@pytest.mark.parametrize("size", [(10_000, 5_001), (12_000, 12_000), (20_000, 10_000), (50_000, 50_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_before_decoding(size):
    with pytest.raises(ValueError, match=r"'bomb' is too large \(\d+ (× \d+ )?pixels; the limit is 50 megapixels"):
        open_picture(bare_png(*size), name="bomb")


def test_the_limit_itself_is_allowed():
    with pytest.raises(ValueError, match="damaged"):  # it got as far as decoding
        open_picture(bare_png(MAX_PIXELS // 5000, 5000))


UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_pictures_are_turned_upright_as_the_camera_says(kind, orientation, noise):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noise, kind, exif=exif)
    stored = np.array(Image.open(io.BytesIO(data)) if kind == "JPEG" else noise)  # JPEG changes the pixels
    assert np.array_equal(np.array(open_picture(data)), UPRIGHT[orientation](stored))


def test_an_unknown_orientation_is_left_alone(noise):
    exif = Image.Exif()
    exif[0x0112] = 77
    assert open_picture(encoded(noise, exif=exif)).tobytes() == noise.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_colour_modes_become_rgb(mode):
    red = Image.new("RGB", (4, 4), "red").convert(mode)
    picture = open_picture(encoded(red, "PNG" if mode in "1LPRGB" else "JPEG"))
    expected = red.convert("RGB").getpixel((0, 0))
    assert picture.mode == "RGB"
    assert np.allclose(picture.getpixel((0, 0)), expected, atol=4)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparency_is_laid_on_white(mode):
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert("LA" if mode == "LA" else "RGBA")
    picture = clear.quantize(4) if mode == "P" else clear
    assert picture.mode == mode
    assert open_picture(encoded(picture)).getpixel((1, 1)) == (255, 255, 255)


def test_half_transparency_lets_half_of_the_white_through():
    half = Image.new("RGBA", (4, 4), (200, 0, 100, 128))
    expected = [round(level * 128 / 255 + 127) for level in (200, 0, 100)]
    assert np.allclose(open_picture(encoded(half)).getpixel((1, 1)), expected, atol=1)


@pytest.mark.parametrize("quality", [60, 95])
def test_a_photograph_for_print_keeps_its_colours(quality):
    inks = [(0, 255, 255, 0), (255, 255, 0, 0), (0, 0, 0, 0), (0, 0, 0, 255)]  # cyan, magenta, yellow, black
    for ink, seen in zip(inks, [(255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)], strict=True):
        data = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=quality)
        assert np.allclose(open_picture(data).getpixel((8, 8)), seen, atol=6)


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_of_every_colour_type_keep_their_brightness(colour, channels):
    levels = [0, 32768, 65535]
    has_alpha = channels in (2, 4)
    samples = [[level] * (channels - has_alpha) + [65535] * has_alpha for level in levels]
    rows = b"\0" + b"".join(struct.pack(">H", value) for pixel in samples for value in pixel)
    picture = open_picture(bare_png(3, 1, 16, colour, rows))
    shown = [picture.getpixel((i, 0)) for i in range(3)]
    assert np.allclose(shown, [[0] * 3, [128] * 3, [255] * 3], atol=1)


def test_sixteen_bits_keep_their_brightness():
    levels = np.array([[0, 32768, 65535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        picture = open_picture(encoded(Image.fromarray(levels), kind))
        assert [picture.getpixel((i, 0))[0] for i in range(3)] == [0, 127, 255]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_of_sixteen_bits_those_in_use_become_the_eight_that_are_seen(bits, kind):
    levels = np.array([[0, 2 ** (bits - 1), 2**bits - 1]], dtype=np.uint16)
    picture = open_picture(encoded(Image.fromarray(levels), kind))
    assert [picture.getpixel((i, 0))[0] for i in range(3)] == pytest.approx([0, 127.5, 255], abs=1)


def test_a_window_says_which_numbers_are_black_and_white():
    for dtype, kind in ((np.uint16, "PNG"), (np.float32, "TIFF")):
        levels = np.array([[0, 900, 1000, 1100, 4000]], dtype=dtype)
        picture = open_picture(encoded(Image.fromarray(levels), kind), window=(1000, 200))
        assert [picture.getpixel((i, 0))[0] for i in range(5)] == [0, 0, 127, 255, 255]
        assert picture.info[WINDOW] == (1000, 200)
    assert open_picture(encoded(Image.new("L", (2, 2), 9)), window=(1000, 200)).getpixel((0, 0)) == (9, 9, 9)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_without_a_range_are_stretched(dtype):
    levels = np.array([[-100_000, 0, 100_000]], dtype=dtype)
    picture = open_picture(encoded(Image.fromarray(levels), "TIFF"))
    assert [picture.getpixel((i, 0))[0] for i in range(3)] == [0, 127, 255]


def test_fractions_are_stretched_too():
    levels = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    picture = open_picture(encoded(Image.fromarray(levels), "TIFF"))
    assert [picture.getpixel((i, 0))[0] for i in range(3)] == [0, 127, 255]


def test_of_an_animation_it_is_the_first_frame():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_picture(data).getpixel((0, 0)) == (255, 0, 0)


def test_the_first_frame_of_an_animation_may_be_transparent():
    clear = Image.new("RGBA", (9, 9), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 3, 3))
    frames = [clear, Image.new("RGBA", (9, 9), (0, 0, 255, 255))]
    picture = open_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert (picture.size, picture.mode) == ((9, 9), "RGB")
    assert picture.getpixel((1, 1)) == (255, 0, 0)
    assert picture.getpixel((7, 7)) == (255, 255, 255)


def test_every_format_has_suffixes():
    assert {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".ppm", ".tif", ".webp"} <= suffixes()
    assert ".eps" not in suffixes()
    assert Image.registered_extensions().keys() >= suffixes()
    assert set(FORMATS) <= Image.OPEN.keys()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_hides_none_of_the_others(value):
    levels = np.linspace(-3, 9, 300 * 20, dtype=np.float32).reshape(300, 20)
    levels[7, 3] = value
    with pytest.warns(UserWarning, match="'scan.tif' has 1 values that are not finite; they are shown as black"):
        picture = open_picture(encoded(Image.fromarray(levels), "TIFF"), name="scan.tif")
    expected = (levels + 3) * (255 / 12)
    expected[7, 3] = 0
    assert np.abs(np.array(picture)[..., 1] - expected).max() <= 1.01


def test_a_picture_of_nothing_finite_is_black():
    with pytest.warns(UserWarning, match="6 values"):
        picture = open_picture(encoded(Image.fromarray(np.full((2, 3), np.nan, np.float32)), "TIFF"))
    assert not np.array(picture).any()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux to measure the peak of memory")
@pytest.mark.parametrize(("mode", "copies"), [("RGB", 1), ("RGBA", 2), ("F", 2)])
def test_decoding_takes_the_memory_that_is_documented(tmp_path, mode, copies):
    file = tmp_path / "picture.tif"
    Image.new(mode, (4000, 4000)).save(file, "TIFF")
    program = f"""
from lrpwidgets.subjects import open_picture
status = lambda name: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))
open_picture({str(file)!r}).close()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
made = open_picture({str(file)!r})
print(status("VmHWM") - before)
"""
    peak = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert peak < 1.25 * copies * 4 * 4000**2 / 1024
