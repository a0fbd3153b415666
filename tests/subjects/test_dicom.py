"""DICOM becomes a picture as its file wants it to be seen; whatever is wrong with one is a sentence."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest

from lrpwidgets.subjects import open_picture, pictures

LEVELS = np.array([[0, 1000, 2000, 4000]], np.uint16)


def dicom(values=LEVELS, photometric="MONOCHROME2", syntax=None, **fields):
    """A file of these numbers."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom is in the extra medical")
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax or pydicom.uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    made.SOPClassUID, made.SOPInstanceUID = made.file_meta.MediaStorageSOPClassUID, "1.2.3"
    made.Rows, made.Columns = values.shape[-2:]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, photometric
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.PixelRepresentation = 0
    made.PixelData = values.tobytes()
    for name, value in fields.items():
        setattr(made, name, value)
    file = io.BytesIO()
    pydicom.dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


def seen(data):
    return np.asarray(open_picture(data, name="scan.dcm"))[0, :, 0].tolist()


def test_the_window_of_the_file_is_seen_in_the_units_of_its_rescaling():
    fields = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 2000, "WindowWidth": 2000}
    assert seen(dicom(**fields)) == [0, 0, 255, 255]  # of -1000, 1000, 3000 and 7000 those from 1000 to 3000
    assert seen(dicom(**fields | {"WindowCenter": [1000, 40], "WindowWidth": [4000, 400]})) == [0, 127, 255, 255]


def test_another_window_may_be_wished_for():
    picture = open_picture(dicom(WindowCenter=40, WindowWidth=400, photometric="MONOCHROME1"), window=(1500, 1000))
    assert np.asarray(picture)[0, :, 0].tolist() == [255, 255, 0, 0]


def test_without_a_window_the_lowest_is_black_and_the_highest_is_white():
    assert seen(dicom()) == [0, 63, 127, 255]
    assert seen(dicom(np.full((1, 2), 7, np.uint16))) == [0, 0]


def test_where_the_lowest_is_white_the_picture_is_turned():
    assert seen(dicom(photometric="MONOCHROME1")) == [255, 192, 128, 0]


def test_of_several_frames_it_is_the_first():
    assert seen(dicom(np.stack([LEVELS, LEVELS[:, ::-1]]), NumberOfFrames=2)) == [0, 63, 127, 255]


def test_a_path_and_an_open_file_are_read_too(tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom())
    with path.open("rb") as file:
        assert open_picture(path).tobytes() == open_picture(file).tobytes() == open_picture(dicom()).tobytes()


HOSTILE = {
    "cut off": (lambda: dicom()[:-4], r"'scan\.dcm' is damaged DICOM"),
    "a head alone": (lambda: bytes(128) + b"DICM", r"'scan\.dcm' is damaged DICOM"),
    "noise": (lambda: bytes(128) + b"DICM" + np.random.default_rng(0).bytes(5000), r"'scan\.dcm' is damaged DICOM"),
    "huge": (lambda: dicom(Rows=60_000, Columns=60_000), r"too large \(60000 × 60000 pixels; the limit is 50 mega"),
    "a slope that is none": (lambda: dicom(RescaleSlope="1e300"), r"is damaged DICOM \(.* not finite"),
    "colour": (lambda: dicom(photometric="RGB"), r"is DICOM in colour \(RGB\); save it as PNG"),
    "compressed": (lambda: dicom().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"), "is compressed DICOM"),
    "deflated": (lambda: dicom() + b"1.2.840.10008.1.2.1.99", "is compressed DICOM; save it uncompressed"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_cannot_be_seen_is_a_sentence(name):
    pytest.importorskip("pydicom", reason="pydicom is in the extra medical")
    make, words = HOSTILE[name]
    with pytest.raises(ValueError, match=words):
        open_picture(make(), name="scan.dcm")


def test_without_pydicom_a_sentence_says_what_to_install():
    program = """
import sys
sys.modules["pydicom"] = None
from lrpwidgets.subjects import open_picture
try:
    open_picture(bytes(128) + b"DICM", name="scan.dcm")
except ValueError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "'scan.dcm' is DICOM, which takes pydicom: pip install 'lrpwidgets[medical]'\n"


def test_a_picture_behind_something_else_in_a_file_is_found_where_it_is(monkeypatch):
    from PIL import Image

    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    Image.new("L", (3, 2), 50).save(file, "PNG")
    file.seek(6)
    assert pictures._medical(file) is None
    assert file.tell() == 6
