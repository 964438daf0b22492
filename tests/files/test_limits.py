"""Only regular files of a stated size, depth and kind; text that is shown is one printable line."""

import io
import os
from pathlib import Path

import pytest

from cryosense.errors import UntrustedFileError
from cryosense.files.limits import (
    DEEPEST,
    PART_BYTES,
    read_bytes,
    read_json_value,
    read_text,
    read_up_to,
    read_yaml,
    require_regular,
    shown,
)


def test_pipes_devices_folders_and_links_to_them_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "device", tmp_path, tmp_path / "absent", tmp_path / ("n" * 300)):
        with pytest.raises(UntrustedFileError, match=path.name[:20]):
            require_regular(path)
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link", 7) == b"content"
    with pytest.raises(UntrustedFileError, match=r"link: more than 6 bytes"):
        read_bytes(tmp_path / "link", 6)


def test_memory_is_taken_for_what_is_there() -> None:
    """A reader takes as much as it is asked for before it looks: asked for little at a time, it takes little."""
    asked = []

    class Remembering(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size)
            return super().read(size)

    content = bytes(range(256)) * 10_000
    assert read_up_to(Remembering(content), 2**40) == content
    assert max(asked) <= PART_BYTES
    assert read_up_to(Remembering(content), 7) == content[:7]


def test_text_is_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UntrustedFileError, match=r"a\.txt: not a readable text file"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize(("depth", "too_deep"), [(DEEPEST, False), (DEEPEST + 1, True)])
def test_depth_has_a_limit(tmp_path: Path, depth: int, too_deep: bool) -> None:
    (tmp_path / "a.json").write_text("[" * depth + "]" * depth)
    (tmp_path / "a.yaml").write_text("{a: " * depth + "1" + "}" * depth)
    if not too_deep:
        assert isinstance(read_json_value(tmp_path / "a.json"), list)
        assert list(read_yaml(tmp_path / "a.yaml")) == ["a"]
        return
    for read, name in ((read_json_value, "a.json"), (read_yaml, "a.yaml")):
        with pytest.raises(UntrustedFileError, match=f"{name}.* levels deep"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "text", ["a: &x [1]\nb: *x\n", "- 1\n", "a: [", "a: !!python/object/apply:os.system [ls]\n", "a: 1\n<<: 3\n"]
)
def test_yaml_is_a_plain_mapping(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UntrustedFileError, match=r"a\.yaml"):
        read_yaml(tmp_path / "a.yaml")


def test_what_is_shown_is_one_printable_line() -> None:
    assert shown("Å plain, <b>") == "Å plain, <b>"
    assert shown("a\x1b[2J\r\nb\u202e\udc80") == r"a\x1b[2J\r\nb\u202e\udc80"
    assert len(shown("n" * 10**6)) == 201
