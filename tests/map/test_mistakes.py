"""Mistakes on the command line and in the inputs: each is named, none passes in silence."""
import pytest


@pytest.mark.parametrize("arguments, stdin, said", [
    (["echo", ":::"], "", "nothing after :::"),
    (["echo", ":::"], "1\n", "standard input is not read"),
    ([":::"], "echo 1\n", "standard input is not read"),
    (["echo"], "", "standard input is empty"),
    (["echo", "::::", "empty"], "", "input files are empty"),
    (["--dry-run", "echo", ":::"], "", "nothing after :::"),
    (["--pipe", "cat"], "", "standard input is empty"),
])
def test_no_input_gets_a_word(fmap, tmp_path, arguments, stdin, said):
    (tmp_path / "empty").touch()
    done = fmap(*arguments, stdin=stdin)
    assert (done.code, done.out) == (0, "") and said in done.err, done
    assert fmap("--quiet", *arguments, stdin=stdin).err == ""


def test_who_expects_no_input_hears_nothing(fmap):
    assert fmap("-r", "echo", stdin="").err == ""


@pytest.mark.parametrize("option, size", [
    ("--block", "999999T"), ("--block", "1e"), ("--block", "8000P"), ("-s", "8000P"), ("-n", "99999999999999999999"),
    ("--memfree", "8000P"), ("-L", "8000P"), ("--total-jobs", "8000P"),
])
def test_a_size_beyond_all_measure_is_refused(fmap, size, option):
    done = fmap("--pipe" if option == "--block" else "-k", option, size, "cat", stdin="1\n", timeout=30)
    assert done.code == 255 and any(word in done.err for word in ("too large", "no memory", "not a number")), done


def test_a_block_that_memory_has_no_room_for_is_named(shell):
    done = shell("ulimit -v 4000000; echo 1 | $FURROW map --pipe --block 1T cat")
    assert done.code == 255 and "no memory for a block" in done.err, done


@pytest.mark.parametrize("command", [
    "echo {nam}", "echo {nam.}", "echo x{nam}y {name}", "echo \"{nmae}\"", "echo {other}", "echo {other/.}",
])
@pytest.mark.parametrize("option", [[], ["--dry-run"], ["--plus"]])
def test_a_misspelt_column_is_an_error_that_names_the_columns(fmap, command, option):
    done = fmap(*option, "--header", ":", command, ":::", "name", "a", ":::", "number", "1")
    assert done.code == 255 and "the columns are name, number" in done.err, done


@pytest.mark.parametrize("option", ["--tagstring", "--results", "--output", "--wd"])
def test_a_misspelt_column_is_an_error_in_any_template(fmap, option):
    done = fmap(option, "x{nam}", "--header", ":", "echo {name}", ":::", "name", "a")
    assert done.code == 255 and option in done.err and "the columns are name" in done.err, done


@pytest.mark.parametrize("command, out", [
    ("echo {name} | awk '{print}'", "a\n"),
    ("echo {name} | awk {print}", "a\n"),
    ("name2=x; echo ${name2}{name}", "xa\n"),
    ("echo '{'nam} {name}", "{nam} a\n"),
    ("python3 -c \"print(f'{len}'[:3], '{name}')\"", "<bu a\n"),
    ("echo {a,b} {1..2} {name}", "a b 1 2 a\n"),
])
def test_braces_of_other_languages_stay(fmap, command, out):
    assert fmap("--header", ":", command, ":::", "name", "a").out == out


def test_without_a_header_names_are_text(fmap):
    assert fmap("echo {nam}", ":::", "a").out == "{nam} a\n"


@pytest.mark.parametrize("template, out", [
    ("{1choose_k}-{2choose_k}", "A-B A-C B-C"),
    ("{2choose_k}", "B C C"),
    ("{2 choose_k}", "B C C"),
    ("{-1uniq}", "B C A C A B"),
    ("{1uniq}{2}", "AB AC BA BC CA CB"),
    ("{1}{host}{agrp}{hgrp}{sshlogin}x", "Ax Ax Ax Bx Bx Bx Cx Cx Cx"),
])
def test_positions_of_the_strings_with_plus(fmap, template, out):
    assert fmap("--plus", "-k", "echo", template, ":::", *"ABC", ":::", *"ABC").out.split() == out.split()


@pytest.mark.parametrize("template", ["{2#}", "{1%}", "{1seed}", "{-1#}", "{10#}"])
def test_what_the_job_has_once_takes_no_position(fmap, template):
    for plus in [[], ["--plus"]]:
        done = fmap(*plus, "echo", template, ":::", "a", ":::", "b")
        assert done.code == 255 and template in done.err and "belongs to the job" in done.err, done


@pytest.mark.parametrize("template", ["{1##}", "{2slot}", "{2host}", "{1hgrp}", "{1%%}"])
def test_nor_does_it_with_plus(fmap, template):
    assert fmap("--plus", "echo", template, ":::", "a").code == 255


def test_the_shells_own_expansions_stay(fmap):
    assert fmap("f() { echo \"${1#a}${2%b} {}\"; }; f ax yb", ":::", "v").out == "xy v\n"
