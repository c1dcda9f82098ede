"""What files say of themselves: EXIF, IPTC, XMP, tags, properties and sidecars, each as the indexer gets it."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from omnisearch.media import decode_job
from omnisearch.media.file import open_below
from omnisearch.media.languages import language_code
from omnisearch.media.metadata.exif import camera_name
from omnisearch.media.metadata.moments import local_time, with_offset
from omnisearch.media.metadata.sidecar_names import takeout_names
from omnisearch.media.pool import DecoderPool
from omnisearch.metadata import NO_METADATA, Metadata
from tests.media import document_makers as documents
from tests.media import makers
from tests.media import metadata_makers as made

LISBON = (38.7223, -9.1393)
TAKEN = {0x9003: "2023:07:14 15:30:05"}


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_exif(pool: DecoderPool, tmp_path: Path) -> None:
    camera = {**TAKEN, 0x9011: "+01:00", 0xA434: "EF24-70mm f/2.8L", 0x9286: b"UNICODE\0" + "über".encode("utf-16")}
    tags = {0x010F: "Canon", 0x0110: "Canon EOS R5", 0x013B: "Zoë".encode(), 0x4746: 4}
    path = _write(tmp_path / "a.jpg", made.jpeg(made.exif(tags, camera, made.position(*LISBON))))
    found = pool.describe(path)
    assert (found.time, found.camera, found.lens) == ("2023-07-14T15:30:05+01:00", "Canon EOS R5", "EF24-70mm f/2.8L")
    assert (found.latitude, found.longitude) == pytest.approx(LISBON, abs=1e-4)
    assert (found.artist, found.caption, found.rating) == ("Zoë", "über", 4)
    assert found.taken == datetime.fromisoformat("2023-07-14T14:30:05+00:00").timestamp()
    assert pool.decode(path).info.metadata == found


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_exif_and_xmp_in_every_container(kind: str, pool: DecoderPool, tmp_path: Path) -> None:
    given = {"exif": made.exif({0x0110: "X100", 0x0132: TAKEN[0x9003]}), "xmp": made.xmp("<dc:title>Sunset</dc:title>")}
    picture, path = makers.picture(), tmp_path / f"a.{kind.lower()}"
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(picture).save(path, exif=given["exif"].tobytes(), xmp=given["xmp"])
    elif kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", given["xmp"].decode(), zip=True)
        picture.save(path, kind, exif=given["exif"], pnginfo=texts)
    elif kind == "TIFF":
        given["exif"][700] = given["xmp"]
        picture.save(path, kind, exif=given["exif"])
    else:
        picture.save(path, kind, **given)
    found = pool.describe(path)
    assert (found.camera, found.time, found.title) == ("X100", "2023-07-14T15:30:05", "Sunset")


def test_raw_pictures_that_are_tiff_files(pool: DecoderPool, tmp_path: Path) -> None:
    import numpy as np

    from tests.media import image_makers

    data = image_makers.dng(image_makers.mosaic(np.full((32, 48, 3), 0.4, np.float32)))
    found = pool.describe(_write(tmp_path / "a.dng", data))
    assert found.camera == "Test"


def test_iptc(pool: DecoderPool, tmp_path: Path) -> None:
    sets = [(5, "Regatta"), (25, "boat"), (25, "sea"), (55, "20230714"), (60, "153005+0100"), (80, "Ann")]
    place = [(90, "Lisboa"), (101, "Portugal")]
    found = pool.describe(_write(tmp_path / "a.jpg", made.jpeg(iptc=made.iptc(*sets, *place, (120, "Boats.")))))
    assert found == Metadata(
        time="2023-07-14T15:30:05+01:00",
        place="Lisboa, Portugal",
        title="Regatta",
        caption="Boats.",
        keywords=("boat", "sea"),
        artist="Ann",
    )


PROPERTIES = """<dc:title>
<rdf:Alt><rdf:li xml:lang="x-default">Dog</rdf:li><rdf:li xml:lang="de">Hund</rdf:li></rdf:Alt>
</dc:title><dc:subject><rdf:Bag><rdf:li>dog</rdf:li><rdf:li>beach</rdf:li></rdf:Bag></dc:subject>
<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></dc:creator><xmp:Rating>5</xmp:Rating>
<exif:GPSLatitude>38,43.338N</exif:GPSLatitude><exif:GPSLongitude>9,8,21.48W</exif:GPSLongitude>
<exif:DateTimeOriginal>2023-07-14T15:30:05.12+01:00</exif:DateTimeOriginal><tiff:Make>NIKON CORPORATION</tiff:Make>
<tiff:Model>NIKON Z 6</tiff:Model><photoshop:City>Lisbon</photoshop:City><mwg-rs:Regions rdf:parseType="Resource">
<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name="Ben" mwg-rs:Type="Face"/></rdf:li></rdf:Bag>
</mwg-rs:RegionList></mwg-rs:Regions>"""


@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp", "inside"])
def test_xmp_inside_and_beside_a_picture(name: str, pool: DecoderPool, tmp_path: Path) -> None:
    packet = made.xmp(PROPERTIES, '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    path = _write(tmp_path / "photo.jpg", made.jpeg(xmp=packet if name == "inside" else b""))
    if name != "inside":
        (tmp_path / name).write_bytes(packet)
    found = pool.describe(path)
    assert (found.title, found.artist, found.rating) == ("Dog", "Ann", 5)
    assert found.keywords == ("dog", "beach", "Ben")
    assert (found.time, found.camera, found.place) == ("2023-07-14T15:30:05+01:00", "NIKON Z 6", "Lisbon")
    assert (found.latitude, found.longitude) == pytest.approx(LISBON, abs=1e-4)


def test_a_sidecar_of_xmp_precedes_the_picture_and_takeout_follows_it(pool: DecoderPool, tmp_path: Path) -> None:
    exif = made.exif({0x010E: "Inside", 0x013B: "Ann"}, TAKEN)
    path = _write(tmp_path / "a.jpg", made.jpeg(exif))
    _takeout(path.with_name("a.jpg.json"), "a.jpg", description="Takeout")
    assert pool.describe(path).caption == "Inside"
    (tmp_path / "a.xmp").write_bytes(made.xmp("<dc:description>Beside</dc:description>"))
    found = pool.describe(path)
    assert (found.caption, found.artist, found.time) == ("Beside", "Ann", "2023-07-14T15:30:05")
    assert found.keywords == ("Ben",)


def test_a_decoder_asks_for_no_sidecar_that_does_not_exist(
    pool: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(decode_job, "open_below", lambda folder, name: asked.append(name) or open_below(folder, name))
    path = _write(tmp_path / "a.jpg", made.jpeg())
    pool.describe(path)
    assert asked == []
    (tmp_path / "a.xmp").write_bytes(made.xmp("<dc:description>Beside</dc:description>"))
    assert pool.describe(path).caption == "Beside"
    assert asked == ["a.xmp"]


def _takeout(path: Path, title: str, **more: object) -> None:
    geo = {"latitude": LISBON[0], "longitude": LISBON[1], "altitude": 0.0}
    said = {"title": title, "photoTakenTime": {"timestamp": "1689345005"}, "geoData": geo, "people": [{"name": "Ben"}]}
    path.write_text(json.dumps(said | more))


@pytest.mark.parametrize(
    ("name", "title", "sidecar"),
    [
        ("IMG_1.jpg", "IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1.jpg", "IMG_1.HEIC", "IMG_1.jpg.json"),  # a converted picture keeps its title
        ("IMG_1(2).jpg", "IMG_1.jpg", "IMG_1.jpg(2).json"),
        ("IMG_1(2).jpg", "IMG_1.jpg", "IMG_1.jpg.supplemental-metadata(2).json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg", "IMG_1.jpg.json"),
        ("PXL_20230714_143005123.PORTRAIT.jpg", "PXL_20230714_143005123.PORTRAIT.jpg",
         "PXL_20230714_143005123.PORTRAIT.jpg.supplement.json"),
        ("a_very_long_name_of_a_picture_that_was_cut_off.jpg", "a_very_long_name_of_a_picture_that_was_cut_off_it.jpg",
         "a_very_long_name_of_a_picture_that_was_cut_off.json"),
        ("a_b.jpg", "a&b.jpg", "a_b.jpg.json"),
    ],
)  # fmt: skip
def test_takeout(name: str, title: str, sidecar: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = _write(tmp_path / name, made.jpeg())
    assert pool.describe(path) == NO_METADATA
    _takeout(tmp_path / sidecar, title)
    found = pool.describe(path)
    assert (found.time, found.keywords) == ("2023-07-14T14:30:05+00:00", ("Ben",))
    assert (found.latitude, found.longitude) == pytest.approx(LISBON)


def test_a_json_file_of_another_file_is_ignored(pool: DecoderPool, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jpg", made.jpeg())
    for said in ('{"title": "b.jpg", "description": "no"}', '{"description": "no"}', "[]", "[" * 100_000, "\xff"):
        (tmp_path / "a.jpg.json").write_text(said, encoding="latin-1")
        assert pool.describe(path) == NO_METADATA, said[:20]


TAGS = {"title": "Blue", "artist": "Ann", "album": "Colours", "genre": "Jazz", "date": "1999-05-03"}


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.oga", "flac"), ("a.opus", "libopus"), ("a.m4a", "aac"),
     ("a.wav", "pcm_s16le"), ("a.wma", "wmav2")],
)  # fmt: skip
def test_tags_of_sounds(name: str, codec: str, pool: DecoderPool, tmp_path: Path) -> None:
    made.write_tagged(tmp_path / name, TAGS, codec)
    found = pool.describe(tmp_path / name)
    assert (found.title, found.artist, found.album, found.genre) == ("Blue", "Ann", "Colours", "Jazz")
    assert (found.year, found.time) == (1999, "")


def test_tags_of_films(pool: DecoderPool, tmp_path: Path) -> None:
    apple = {"com.apple.quicktime.location.ISO6709": "+38.7223-009.1393+012.300/", "com.apple.quicktime.make": "Apple"}
    zoned = {"com.apple.quicktime.creationdate": "2023-07-14T15:30:05+0100", "com.apple.quicktime.model": "iPhone 14"}
    made.write_tagged(tmp_path / "a.mov", {**apple, **zoned, "creation_time": "2023-07-14T14:30:05Z"}, "mpeg4")
    found = pool.describe(tmp_path / "a.mov")
    assert (found.time, found.camera) == ("2023-07-14T15:30:05+01:00", "Apple iPhone 14")
    assert (found.latitude, found.longitude) == LISBON
    made.write_tagged(tmp_path / "a.mp4", {"title": "Sea", "creation_time": "2023-07-14T14:30:05Z"}, "mpeg4")
    assert pool.describe(tmp_path / "a.mp4") == Metadata(time="2023-07-14T14:30:05+00:00", title="Sea")
    made.write_tagged(tmp_path / "b.mp4", {"creation_time": "1904-01-01T00:00:00Z"}, "mpeg4")
    assert pool.describe(tmp_path / "b.mp4") == NO_METADATA


def test_properties_of_documents(pool: DecoderPool, tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(_write(tmp_path / "plain.pdf", makers.pdf("Some words."))))
    writer.add_metadata(
        {"/Title": "Plan", "/Author": "Ann", "/Keywords": "a, b", "/CreationDate": "D:20230714153005+01'00'"}
    )
    writer.write(tmp_path / "a.pdf")
    wanted = Metadata("2023-07-14T15:30:05+01:00", title="Plan", artist="Ann", keywords=("a", "b"))
    assert pool.describe(tmp_path / "a.pdf") == wanted
    assert pool.decode(tmp_path / "a.pdf").info.metadata == wanted


CORE = """<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>Plan</dc:title>
<dc:creator>Ann</dc:creator><cp:keywords>a; b</cp:keywords><dc:language>en-GB</dc:language>
<dcterms:created>2023-07-14T15:30:05Z</dcterms:created></cp:coreProperties>"""
META = """<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>
<dc:title>Plan</dc:title><meta:initial-creator>Ann</meta:initial-creator><meta:keyword>a</meta:keyword>
<meta:keyword>b</meta:keyword><dc:language>en-GB</dc:language>
<meta:creation-date>2023-07-14T15:30:05Z</meta:creation-date></office:meta></office:document-meta>"""
BOOK = """<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Plan</dc:title><dc:creator>Ann</dc:creator>
<dc:subject>a</dc:subject><dc:subject>b</dc:subject><dc:language>en-GB</dc:language><dc:date>2023-07-14T15:30:05Z</dc:date>
</metadata>"""


def test_properties_of_office_files_books_and_mail(pool: DecoderPool, tmp_path: Path) -> None:
    book = documents.epub_members({"one": "words"}, {})
    book["OEBPS/book.opf"] = str(book["OEBPS/book.opf"]).replace("<manifest>", f"{BOOK}<manifest>")
    files = {
        "a.docx": {**documents.docx_members(documents.paragraph("words")), "docProps/core.xml": CORE},
        "a.odt": {**documents.open_members("text", "<text:p>words</text:p>"), "meta.xml": META},
        "a.epub": book,
    }
    wanted = Metadata("2023-07-14T15:30:05+00:00", title="Plan", artist="Ann", keywords=("a", "b"), language="en")
    for name, members in files.items():
        path = _write(tmp_path / name, documents.zipped(members))
        assert pool.decode(path).info.metadata == wanted, name
    mail = (
        b"From: =?utf-8?q?Zo=C3=AB?= <z@example.org>\nSubject: Plan\nDate: Fri, 14 Jul 2023 15:30:05 +0100\n\nwords\n"
    )
    found = pool.describe(_write(tmp_path / "a.eml", mail))
    assert found == Metadata("2023-07-14T15:30:05+01:00", title="Plan", artist="Zoë <z@example.org>")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023:07:14 15:30:05", "2023-07-14T15:30:05"),
        ("2023-07-14T15:30:05.250Z", "2023-07-14T15:30:05+00:00"),
        ("2023-07-14T15:30", "2023-07-14T15:30:00"),
        ("2023-07-14", "2023-07-14T00:00:00"),
        ("2023-07", "2023-07-01T00:00:00"),
        ("1921", "1921-01-01T00:00:00"),
        ("20230714 153005+0100", "2023-07-14T15:30:05+01:00"),
        ("D:20230714153005-05'30'", "2023-07-14T15:30:05-05:30"),
        ("D:20230714", "2023-07-14T00:00:00"),
        ("2023:07:14 15:30:60", "2023-07-14T15:30:59"),
        ("0000:00:00 00:00:00", ""),
        ("    :  :     :  :  ", ""),
        ("2023:02:30 00:00:00", ""),
        ("2023:07:14 25:00:00", ""),
        ("2023-07-14T15:30:05+99:00", "2023-07-14T15:30:05"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_times(text: str, time: str) -> None:
    assert local_time(text) == time


def test_the_time_of_gps_gives_the_offset() -> None:
    assert with_offset("2023-07-14T15:30:05", "2023-07-14T14:30:02+00:00") == "2023-07-14T15:30:05+01:00"
    assert with_offset("2023-07-14T20:02:05", "2023-07-14T14:30:02+00:00") == "2023-07-14T20:02:05+05:30"
    assert with_offset("2023-07-14T15:38:05", "2023-07-14T14:30:02+00:00") == "2023-07-14T15:38:05"  # too late a fix
    assert with_offset("2023-07-16T15:30:05", "2023-07-14T14:30:02+00:00") == "2023-07-16T15:30:05"
    assert with_offset("", "2023-07-14T14:30:02+00:00") == "2023-07-14T14:30:02+00:00"


def test_names_of_cameras() -> None:
    names = {
        ("Canon", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON Z 6"),
        ("SONY", "ILCE-7M4"),
        ("Apple", "iPhone 14"),
    }
    assert {camera_name(*one) for one in names} == {"Canon EOS R5", "NIKON Z 6", "Sony ILCE-7M4", "Apple iPhone 14"}
    assert camera_name("", "X100") == "X100"
    assert camera_name("Leica Camera AG", "") == "Leica Camera AG"


def test_languages() -> None:
    codes = {
        "de-AT": "de",
        "ger": "de",
        "pt_BR": "pt",
        "en": "en",
        "gsw": "gsw",
        "und": None,
        "english": None,
        "": None,
    }
    assert {text: language_code(text) for text in codes} == codes


def test_names_of_takeout_are_cut_before_the_number() -> None:
    names = list(takeout_names("IMG_1(2).jpg"))
    assert "IMG_1.jpg.supplemental-metadata(2).json" in names
    assert all(len(name) <= 46 + len("(2).json") for name in takeout_names("x" * 60 + "(2).jpg"))


def test_a_picture_without_metadata_has_none(pool: DecoderPool, tmp_path: Path) -> None:
    for kind in ("PNG", "GIF", "BMP", "WEBP"):
        Image.new("RGB", (16, 16)).save(tmp_path / f"a.{kind.lower()}", kind)
        assert pool.describe(tmp_path / f"a.{kind.lower()}") == NO_METADATA
