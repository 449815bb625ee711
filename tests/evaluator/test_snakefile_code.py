"""The cache of translated Snakefiles: used for the same text only, and never needed."""

import os
import shutil

import pytest
from furrow_evaluator import snakefile_code, translate
from furrow_evaluator.snakefile_code import SnakefileCode

TEXT = """
rule a:
    output: "a.txt"
    run:
        print("made", file=open(output[0], "w"))
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "furrow" / "snakefiles"


@pytest.fixture
def snakefile(tmp_path):
    path = tmp_path / "Snakefile"
    path.write_text(TEXT)
    return path


def read(path):
    made = SnakefileCode()
    _, code = made.of(str(path))
    made.keep_new()
    return made, code


@pytest.fixture
def translations(monkeypatch):
    """The files that were translated."""
    found = []
    original = translate.translate

    def noted(text, filename, index=0):
        found.append(filename)
        return original(text, filename, index)

    monkeypatch.setattr(translate, "translate", noted)
    return found


def test_a_snakefile_is_translated_once(cache, snakefile, translations):
    first, code = read(snakefile)
    second, again = read(snakefile)
    assert translations == [str(snakefile)]
    assert again == code and again.co_filename == str(snakefile)
    assert second.run_texts == first.run_texts and len(second.run_texts) == 1
    assert second.files == [str(snakefile)] and second.texts() == [TEXT]


def test_a_changed_snakefile_is_translated_anew(cache, snakefile, translations):
    before = os.stat(snakefile)
    read(snakefile)
    snakefile.write_text(TEXT.replace("made", "Made"))
    os.utime(snakefile, ns=(before.st_atime_ns, before.st_mtime_ns))
    made, _ = read(snakefile)
    assert len(translations) == 2 and "Made" in next(iter(made.run_texts.values()))


def test_a_copy_elsewhere_has_its_own_path_in_errors(cache, snakefile, tmp_path):
    read(snakefile)
    copy = tmp_path / "copy"
    shutil.copy2(snakefile, copy)
    assert read(copy)[1].co_filename == str(copy)


def test_another_place_among_the_files_names_functions_anew(cache, snakefile, tmp_path):
    other = tmp_path / "other"
    other.write_text("x = 1\n")
    read(snakefile)
    made = SnakefileCode()
    made.of(str(other))
    made.of(str(snakefile))
    assert list(made.run_texts) != list(read(snakefile)[0].run_texts)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "others may write", "folder"])
def test_a_file_that_cannot_be_trusted_is_not_used(cache, snakefile, translations, damage):
    read(snakefile)
    (kept,) = cache.iterdir()
    data = kept.read_bytes()
    if damage == "flip":
        kept.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    elif damage == "truncate":
        kept.write_bytes(data[:-1])
    elif damage == "empty":
        kept.write_bytes(b"")
    elif damage == "others may write":
        kept.chmod(0o666)
    else:
        kept.unlink()
        kept.mkdir()
    read(snakefile)
    assert len(translations) == 2
    if damage != "folder":
        read(snakefile)
        assert len(translations) == 2


def test_a_cache_that_cannot_be_written_is_not_needed(cache, snakefile):
    cache.parent.parent.write_text("a file")
    assert read(snakefile)[1] == read(snakefile)[1]


def test_another_translator_does_not_use_the_cache(cache, snakefile, translations, monkeypatch):
    read(snakefile)
    monkeypatch.setattr(snakefile_code, "_version", lambda: ["another"])
    read(snakefile)
    assert len(translations) == 2


def test_the_cache_stays_small(cache, snakefile, monkeypatch):
    monkeypatch.setattr(snakefile_code, "_MAX_FILES", 4)
    for number in range(9):
        copy = snakefile.with_name(f"copy{number}")
        copy.write_text(TEXT)
        read(copy)
        assert len(list(cache.iterdir())) <= 4
    read(copy)
    assert not list(cache.glob("*.*"))


def test_the_evaluator_fills_the_cache_and_loads_the_same(folder, cache):
    for _ in range(2):
        client = folder.load(TEXT)
        assert client.rule("a")["code"] and client.rule("a")["line"] == 2
        client.close()
        assert len(list(cache.iterdir())) == 1
