"""Token images: mode, lock, foreign and damaged files, a process killed between two commits."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from applet.os.store import StoreError
from host.personalise import Profile
from ushield.device.image import (
    ImageError,
    ImageExists,
    ImageLocked,
    ImageStore,
    NotAnImage,
    new_image,
    open_image,
)
from ushield.tokens import manufacture


def create_image(path: Path) -> ImageStore:
    """A new image, open."""
    with new_image(path):
        pass
    return open_image(path)


def test_only_the_owner_may_read_an_image(tmp_path: Path) -> None:
    path = tmp_path / "token"
    create_image(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_that_is_not_in_use_is_one_file(tmp_path: Path) -> None:
    image = create_image(tmp_path / "token")
    image.put("a", b"1")
    image.commit()
    assert set(os.listdir(tmp_path)) <= {"token", "token-journal"}
    image.close()
    assert os.listdir(tmp_path) == ["token"]


def test_an_image_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "token"
    image = create_image(path)
    image.put("a", b"1")
    image.commit()
    with pytest.raises(ImageExists, match="--force"), new_image(path):
        pass
    with pytest.raises(ImageLocked), new_image(path, replace=True):
        pass
    image.close()
    with new_image(path, replace=True) as fresh:
        assert fresh.get("a") is None
    assert os.listdir(tmp_path) == ["token"]


def test_an_image_that_was_not_finished_never_was(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with new_image(path) as store:
        store.put("a", b"old")
        store.commit()

    def fail() -> None:
        with new_image(path, replace=True) as store:
            store.put("a", b"new")
            store.commit()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.listdir(tmp_path) == ["token"]
    image = open_image(path)
    assert image.get("a") == b"old"
    image.close()


def test_a_foreign_file_is_not_replaced_either(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("dear bank")
    with pytest.raises(NotAnImage), new_image(path, replace=True):
        pass
    assert path.read_text() == "dear bank"


def test_a_second_opening_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    create_image(path).close()
    first = open_image(path)
    with pytest.raises(ImageLocked, match="in use"):
        open_image(path)
    first.close()
    open_image(path).close()


def test_the_lock_holds_against_another_process_and_ends_with_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "token"
    create_image(path).close()
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from ushield.device.image import open_image
        image = open_image(Path(sys.argv[1]))
        image.put("a", b"committed")
        image.commit()
        image.put("a", b"not committed")
        print("in", flush=True)
        sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"in\n"
        with pytest.raises(ImageLocked):
            open_image(path)
        other.kill()
    image = open_image(path)
    assert image.get("a") == b"committed"
    image.close()


@pytest.mark.parametrize("content", [b"", b"x", b"\x7fELF" + bytes(200), b"SQLite format 3\x00"])
def test_a_file_that_is_no_image_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(NotAnImage, match="not a token image"):
        open_image(path)
    assert path.read_bytes() == content


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE visits (url TEXT)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(NotAnImage):
        open_image(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_a_damaged_image_is_an_error_and_not_touched(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "token"
    image = create_image(path)
    for number in range(50):
        image.put(f"cell{number}", bytes(500))
    image.commit()
    image.close()
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    else:
        path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    before = path.read_bytes()
    with pytest.raises(NotAnImage, match="damaged"):
        open_image(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "flips", [200, pytest.param(20_000, marks=pytest.mark.torture)], ids=["some", "many"]
)
def test_no_bit_is_lost_unseen(tmp_path: Path, flips: int) -> None:
    """One bit of a token flips: all its cells are as they were, or it is refused as it stands."""
    path = tmp_path / "token"
    with new_image(path) as store:
        manufacture(store, Profile.of(pin="123456", puk="12345678", keys=["p256"]))
    image = open_image(path)
    cells = {name: image.get(name) for name in image.keys("")}
    image.close()
    whole, refused = path.read_bytes(), 0
    for bit in random.sample(range(8 * len(whole)), flips):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            image = open_image(path)
        except NotAnImage:
            refused += 1
        else:
            assert {name: image.get(name) for name in image.keys("")} == cells, bit
            image.close()
        assert path.read_bytes() == damaged
    assert 0 < refused < flips, "some bits are of cells, and some of what is free"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(NotAnImage, match="pipe"):
        open_image(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        open_image(tmp_path / "nothing")
    with pytest.raises(ImageError, match="cannot be read"):
        open_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be made"), new_image(tmp_path / "no" / "folder"):
        pass


def test_an_image_of_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    create_image(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 9")
    database.commit()
    database.close()
    with pytest.raises(NotAnImage, match="format 9"):
        open_image(path)


def test_a_full_disk_fails_the_commit_and_keeps_the_old_state(tmp_path: Path) -> None:
    path = tmp_path / "token"
    image = create_image(path)
    image.put("a", b"1")
    image.commit()
    image._connection.execute("PRAGMA max_page_count = 4")
    image.put("a", bytes(100_000))
    with pytest.raises(StoreError):
        image.commit()
    assert image.get("a") == b"1"
    image.close()
    again = open_image(path)
    assert again.get("a") == b"1"
    again.close()


def test_a_deleted_secret_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    secret = b"a very private key " * 8
    image = create_image(path)
    image.put("key", secret)
    image.commit()
    assert secret in path.read_bytes()
    image.delete("key")
    image.commit()
    image.close()
    assert secret[:19] not in path.read_bytes()
