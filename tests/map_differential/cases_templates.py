"""Replacement strings and quoting."""
from case import case

NAMES = ["a.b/c.d.e", ".x", "a.", "a..b", "x/", "/", "/a", "a//b", "no", "..", "a b/c d.e f"]
ODD = [b"a b", b"it's", b"\"q\"", b"-n", b"$HOME", b"`id`", b"*", b"~", b"a\\b", b"#c", b"{}", b"\xff\xfe",
       b"tab\there", b"!x", b";ls", b"&", b"(x)", b"",
       "caf\u00e9".encode(), b"%d", b"a=b", b"'", b"''x'", b"|", b"<", b"[a]", b"x "]


def values(line, all_values):
    import shlex
    return [*shlex.split(line), ":::", *all_values]


FORMS = ["{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{1.}", "{-1/}"]
PLUS = ["{+/}", "{+.}", "{+..}", "{+...}", "{..}", "{...}", "{/..}", "{/...}", "{:2}", "{:1:2}", "{:-none}", "{#a}",
        "{##.*/}", "{%.e}", "{%%..*}", "{/a/X}", "{//[a-c]/Y}", "{^a}", "{^^[a-c]}", "{,A}", "{,,[A-Z]}", "{2..}"]

CASES = [
    case("forms", values("-k printf '<%s>' " + " ".join(FORMS), NAMES)),
    case("forms_dry", values("-k --dry-run echo {} {.} {/} {//} {/.} {#}", NAMES)),
    case("forms_plus", ["-k", "--plus", "printf", "'<%s>'", *PLUS, ":::", *NAMES, "ABC.e"]),
    case("forms_plus_dry", ["-k", "--plus", "--dry-run", "echo", *PLUS, ":::", *NAMES, "ABC.e"]),
    case("plus_numbers", "-k --plus -j2 echo {##} {0#} ::: a b c d e f g h i j k"),
    case("plus_slot_variable", "-j1 --plus echo {slot} ::: a b"),
    case("odd_values", values("-k printf '<%s>\\n' {}", ODD)),
    case("odd_values_dry", values("-k --dry-run cmd {} x{.}y", ODD)),
    case("odd_values_stdin", "-k -0 printf '<%s>\\n' {}", b"\0".join([*ODD, b"new\nline", b"\n"])),
    case("odd_values_inside_a_shell_word", values("-k 'X={}; printf \"<%s>\\n\" \"$X\"'", ODD)),
    case("slot", "-j1 -k echo {%} ::: a b"),
    case("slot_dry", "-j1 -k --dry-run echo {%} ::: a b c"),
    case("seq", "-k echo {#}-{} ::: a b c"),
    case("seq_only", "-k echo {#} ::: a b c"),
    case("positions", "-k echo {2}{1}{-1}{3} ::: a b ::: c d"),
    case("positions_forms", "-k echo {1.} {2/} {1//} {2/.} ::: a.b/c.d ::: e/f.g"),
    case("no_replacement", "-k echo x ::: a"),
    case("unknown_braces", "-k echo {x} {a..b} {..} {} ::: v"),
    case("I", "-k -I ,, echo ,, {} {1} {.} ::: a.b"),
    case("I_word", "-k -I X echo aXb ::: 1 2"),
    case("replace_option", "-k -iX echo aXb ::: 1 2"),
    case("q", "-k -q echo {} '$x' 'a  b' ';' ::: 1 '2 3'"),
    case("q_perl", "-k -q awk '{print $1 \"-\" NR}' ::: in", files={"in": "x y\nz\n"}),
    case("command_is_value", "-k {} ::: 'echo a' 'echo  b;echo c'"),
    case("command_is_part_of_value", "-k ec{} x ::: 'ho a'"),
    case("command_with_leading_space", "-k ' echo' {} ::: 'a  b'"),
    case("assignment_first", "-k 'V={} sh -c '\"'\"'echo \"$V\"'\"'\"'' ::: 'a  b'"),
    case("shell_syntax", "-k 'echo {} | tr a-z A-Z; echo {.} > {/.}.out' ::: x.y a.b"),
    case("dry_run_long", "-k --dryrun 'echo {} > {}.out; true' ::: 'a b'"),
    case("dry_run_tag", "-k --dry-run --tag echo {2} ::: a b ::: c"),
    case("dry_run_tagstring", "-k --dry-run --tagstring 'x{}' -N2 echo ::: a b c"),
    case("several_in_one_word", "-k echo {1}{2}-{1} ::: a b ::: 'c d'"),
    case("newline_in_command", ["-k", "echo a\necho {}", ":::", "1", "2"]),
]
