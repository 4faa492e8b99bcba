"""Pictures decoded, checked and prepared, the hostile ones among them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from embedviz.errors import InstancesError
from embedviz.modalities.image_processor import process
from embedviz.modalities.image_reads import reads_of
from embedviz.modalities.pixels import MOST_PIXELS, check, decode, thumbnails
from embedviz.modalities.prepared import prepare
from embedviz.records import ImageItem, Reads
from tests.modalities.pictures import item, noise, png_of, saved, webp_of

SIZES = [(64, 64), (300, 300), (20, 20), (100, 70), (70, 101), (33, 41), (641, 480)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "JPEG"])
def test_every_kind_is_decoded(kind):
    picture = noise(30, 20)
    settings = {"lossless": True} if kind == "WEBP" else {}
    made = decode(item(picture, kind, **settings))
    assert (made.mode, made.size) == ("RGB", (30, 20))
    if kind in ("PNG", "WEBP", "BMP"):
        np.testing.assert_array_equal(np.asarray(made), np.asarray(picture))


@pytest.mark.parametrize(
    ("mode", "expected"), [("L", "L"), ("1", "L"), ("LA", "L"), ("P", "RGB"), ("RGBA", "RGB"), ("RGB", "RGB")]
)
def test_grey_stays_grey_and_the_rest_has_three_colours(mode, expected):
    assert decode(item(noise(9, 9).convert(mode))).mode == expected
    assert decode(item(noise(9, 9).convert("CMYK"), "JPEG")).mode == "RGB"


def test_sixteen_bits_of_grey_keep_their_range():
    wide = np.array([[0, 257, 32_896], [65_535, 257 * 200, 257 * 17]], dtype=np.uint16)
    made = decode(item(Image.fromarray(wide)))
    assert np.asarray(made).tolist() == [[0, 1, 128], [255, 200, 17]]


def test_of_a_moving_picture_the_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        red, _, blue = decode(ImageItem(data, "a")).getpixel((4, 4))
        assert red > 200 > 50 > blue


@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_stand_as_their_camera_says(turn):
    picture = noise(12, 7)
    exif = Image.Exif()
    exif[0x0112] = turn
    turned = item(picture, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(turned.data)))
    np.testing.assert_array_equal(np.asarray(decode(turned)), np.asarray(expected))
    assert Image.open(io.BytesIO(thumbnails([turned])[0])).size == expected.size


def test_exif_that_makes_no_sense_costs_nothing():
    for exif in (b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00MM\x00*" + b"\xff" * 40):
        assert decode(item(noise(9, 6), "JPEG", exif=exif)).size == (9, 6)


def cut(kind):
    data = saved(noise(200, 200), kind)
    return data[: len(data) // 2]


def corrupt():
    data = bytearray(saved(noise(50, 50)))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def text_bomb():
    """A PNG whose comment unpacks to 100 MB."""
    data = b"Comment\x00\x00" + zlib.compress(bytes(100 * 2**20))
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    png = png_of(4, 4, bytes(20))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (png_of(30_000, 30_000), "of too many pixels"),
        (png_of(2**31 - 1, 2**31 - 1), "of too many pixels"),
        (png_of(10_000, MOST_PIXELS // 10_000 + 1), "of too many pixels"),
        (webp_of(16_383, 16_383), "of too many pixels"),
        (png_of(1, 10_000_000), "too long and thin"),
        (png_of(4, 4), "damaged or cut short"),
        (png_of(0, 4), "damaged or cut short"),
        (cut("PNG"), "damaged or cut short"),
        (cut("JPEG"), "damaged or cut short"),
        (cut("WEBP"), "damaged or cut short"),
        (cut("BMP"), "damaged or cut short"),
        (corrupt(), "damaged or cut short"),
        (text_bomb(), "damaged or cut short"),
        (b"\xff\xd8\xff", "damaged or cut short"),
        (b"RIFF\x00\x00\x00\x00WEBP", "damaged or cut short"),
        (b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;", "of too many pixels"),
        (b"GIF89a\xff\xff", "damaged or cut short"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture"),
        (b"", "no picture"),
    ],
)
def test_hostile_and_damaged_pictures(data, reason):
    bad = ImageItem(data, "bad.png")
    assert check([item(noise(5, 5)), bad, item(noise(5, 5), "JPEG")]) == ["", reason, ""]
    for use in (lambda: decode(bad), lambda: thumbnails([bad]), lambda: prepare([bad], Reads("images", (3, 8, 8)))):
        with pytest.raises(InstancesError, match=r"bad\.png") as caught:
            use()
        assert caught.value.remedy


def test_thumbnails_are_small_and_never_larger_than_they_were():
    sizes = [Image.open(io.BytesIO(data)).size for data in thumbnails([item(noise(8, 8)), item(noise(400, 200))], 64)]
    assert sizes == [(8, 8), (64, 32)]
    assert max(Image.open(io.BytesIO(thumbnails([item(noise(900, 600), "JPEG")])[0])).size) == 64


def test_prepared_as_by_the_processor_of_vision_transformers():
    pictures = [item(noise(side, side, seed=side)) for side in (20, 64, 300)]
    own = ViTImageProcessorPil(size={"height": 64, "width": 64}, image_mean=[0.1, 0.2, 0.3], image_std=[0.5, 0.6, 0.7])
    expected = own(images=[decode(each) for each in pictures], return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(prepare(pictures, reads_of(own)), expected, atol=1e-5)


def test_prepared_with_the_middle_cut_out_as_by_the_processor_of_clip():
    pictures = [item(noise(*size, seed=place)) for place, size in enumerate(SIZES)]
    own = CLIPImageProcessorPil(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}, resample=2)
    made = prepare(pictures, reads_of(own))
    np.testing.assert_allclose(made, process(own, pictures), atol=1e-5)
    assert (made.shape, made.dtype) == ((len(SIZES), 3, 64, 64), np.float32)


def test_grey_pictures_are_squeezed_and_nothing_is_cut_off():
    wide = Image.new("L", (40, 20))
    wide.paste(255, (0, 0, 4, 20))
    made = prepare([item(wide)], Reads("images", (1, 20, 20), mean=(0.5,), std=(0.25,)))
    assert made.shape == (1, 1, 20, 20)
    assert made[0, 0, 10, 0] == 2, "the white bar at the edge is there"
    assert made[0, 0, 10, -1] == -2
    colours = prepare([item(wide)], Reads("images", (3, 20, 20)))
    assert colours[0, :, 10, 0].tolist() == [0, 0, 0], "with the middle cut out it is not"


def test_without_mean_and_deviation_values_are_from_0_to_1():
    made = prepare([item(Image.new("RGB", (9, 5), (255, 0, 51)))], Reads("images", (3, None, None)))
    assert made.shape == (1, 3, 224, 224)
    np.testing.assert_allclose(made[0, :, 0, 0], [1, 0, 0.2], rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (Reads("images", (12, 8, 8)), "grey or in three colours"),
        (Reads("images", (8, 8)), "grey or in three colours"),
        (Reads("images", (3, 8, 8), mean=(0.5, 0.5)), "for each channel"),
    ],
)
def test_models_that_read_other_pictures(model, what):
    with pytest.raises(InstancesError, match=what):
        prepare([item(noise(4, 4))], model)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([saved(noise(9, 9), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP")]),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=8),
)
def test_any_damage_is_decoded_or_refused_in_words(data, at, other):
    place = at % len(data)
    (reason,) = check([ImageItem(data[:place] + other + data[place + len(other) :], "a")])
    assert reason in ("", "no picture", "damaged or cut short", "of too many pixels", "too long and thin")
