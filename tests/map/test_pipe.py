"""--pipe and --pipe-part: blocks of a stream or parts of a file as the jobs' standard input."""
import hashlib

import pytest

LINES = "".join(f"{i}\n" for i in range(200_000))


def test_blocks_hold_all_lines_whole(fmap):
    done = fmap("--pipe", "-k", "--block", "100k", "cat", stdin=LINES)
    assert done.out == LINES


def test_blocks_larger_than_a_pipe_arrive_whole(fmap):
    text = LINES * 8
    done = fmap("--pipe", "-k", "--block", "5M", "cat | md5sum", stdin=text)
    assert len(done.out.splitlines()) == -(-len(text) // (5 << 20)), done
    out = fmap("--pipe", "--block", "500M", "md5sum", stdin=text).out
    assert out.split()[0] == hashlib.md5(text.encode()).hexdigest()


def test_jobs_that_do_not_read_do_no_harm(fmap):
    assert fmap("--pipe", "--block", "100k", "true", stdin=LINES).code == 0
    out = fmap("--pipe", "-j1", "-N", 1000, "--block", "2M", "head -n1 #", stdin=LINES).out
    assert out.splitlines()[:2] == ["0", "1000"]


def test_parts_of_a_file(fmap, tmp_path):
    (tmp_path / "big").write_text(LINES * 8)
    for block in ("300k", "3M", "-1", "-3"):
        done = fmap("--pipe-part", "-a", "big", "-k", "--block", block, "cat")
        assert done.out == LINES * 8, block


def test_a_part_that_is_not_read_to_its_end_blocks_nothing(fmap, tmp_path):
    (tmp_path / "big").write_text(LINES * 8)
    assert fmap("--pipe-part", "-a", "big", "--block", "-1", "-j2", "true").code == 0
    done = fmap("--pipe-part", "-a", "big", "--block", "-1", "-j2", "-k", "(sleep 3; cat > /dev/null) & head -n1 #")
    assert done.code == 0 and done.out.startswith("0\n")


def test_a_retried_block_is_read_again(fmap):
    done = fmap("--pipe", "-j1", "--retries", 2, "md5sum; test -e {#} || { touch {#}; false; }", stdin="a\nb\n")
    assert done.code == 0 and done.out.split()[0] == hashlib.md5(b"a\nb\n").hexdigest()


def test_blocks_are_identified_by_their_content(fmap):
    fmap("--pipe", "-k", "--joblog", "log", "-N1", "cat", stdin="a\nb\n")
    assert fmap("--pipe", "-k", "--joblog", "log", "--resume", "-N1", "cat", stdin="b\nc\na\na\n").out == "c\na\n"


def test_a_slow_stream_starts_jobs_as_data_arrives(shell):
    done = shell("(echo 1; sleep 1; echo 2) | $FURROW map --pipe -N1 --lb 'cat; date +%s'")
    one, first, two, second = done.out.split()
    assert (one, two) == ("1", "2") and int(second) > int(first)


@pytest.mark.parametrize("options, out", [
    (["--recstart", "^>", "-N1"], "1 1 1 1"),
    (["--recstart", "^>", "-N3"], "3 1"),
    (["--recend", "^=+\\n", "-N1"], "1 1 1 1"),
    (["--recend", "=$\\n", "-N2"], "2 2"),
])
def test_regular_expressions_match_at_lines(fmap, options, out):
    text = "".join(f">s{i}\nAC>GT\n=\n" for i in range(4))
    done = fmap("--pipe", "-k", "--regexp", *options, "grep -c '^>'", stdin=text)
    assert done.out.split() == out.split(), done


def test_parts_of_a_file_begin_where_a_line_does(fmap, tmp_path):
    (tmp_path / "file").write_text("".join(f">s{i}\nAC>GT>{'x' * (i % 7)}\n" for i in range(500)))
    for block in [20, 33, 100]:
        done = fmap("--pipe-part", "-a", "file", "-k", "--block", block, "--regexp", "--recstart", "^>", "head -c2")
        assert set(done.out.replace(">s", "|").strip("|").split("|")) == {""}, done.out[:200]
