"""--pipe and --pipe-part."""
from case import case

NUMBERS = "".join(f"{i}\n" for i in range(1, 2001))
FASTA = ">a\nACGT\nAC\n>b\nGG\n>c\nT\n"
CAT = "'cat; echo .'"

CASES = [
    case("pipe", f"-k --pipe {CAT}", NUMBERS),
    case("pipe_empty", f"-k --pipe {CAT}", ""),
    case("pipe_block", f"-k --pipe --block 1k {CAT}", NUMBERS),
    case("pipe_block_wc", "-k --pipe --block 2K wc", NUMBERS),
    case("pipe_block_size_name", "-k --pipe --block-size 3k wc", NUMBERS),
    case("pipe_N", f"-k --pipe -N 300 {CAT}", NUMBERS),
    case("pipe_N_last_line", f"-k --pipe -N 2 {CAT}", "1\n2\n3\n4\n5"),
    case("pipe_L", f"-k --pipe -L 3 --block 100 {CAT}", NUMBERS[:600]),
    case("pipe_L_N", f"-k --pipe -L 2 -N 2 {CAT}", "1\n2\n3\n4\n5\n6\n7\n"),
    case("pipe_recstart", f"-k --pipe -N 1 --recstart '>' {CAT}", FASTA),
    case("pipe_recstart_recend", f"-k --pipe -N 1 --recstart '>' --recend '\\n' {CAT}", FASTA),
    case("pipe_recend", f"-k --pipe -N 2 --recend ';' {CAT}", "a;b\n;c;d;e"),
    case("pipe_recend_block", f"-k --pipe --block 6 --recend ';' {CAT}", "a;b;c;d;e;f"),
    case("pipe_recend_empty", f"-k --pipe --block 4 --recend '' {CAT}", "abcdefghij"),
    case("pipe_rrs", f"-k --pipe -N 2 --rrs --recend ';' {CAT}", "a;b;c;d"),
    case("pipe_regexp", f"-k --pipe -N 1 --regexp --recend '[0-9]+' {CAT}", "a1b22c"),
    case("pipe_regexp_start", f"-k --pipe -N 1 --regexp --recstart '>[ab]' --recend '\\n' {CAT}", FASTA),
    case("pipe_header", f"-k --pipe -N 3 --header : {CAT}", "h\n1\n2\n3\n4\n5\n"),
    case("pipe_header_lines", f"-k --pipe -N 2 --header 2 {CAT}", "h\ng\n1\n2\n3\n"),
    case("pipe_csv", f"-k --pipe --csv --block 10 {CAT}", 'a,"b\nc"\nd,e\n"f\n\ng",h\n'),
    case("pipe_tag", "-k --pipe -N 700 --tagstring '{#}' wc -l", NUMBERS),
    case("pipe_seq", "-k --pipe -N 700 'echo {#}; wc -l'", NUMBERS),
    case("pipe_unread", "-k --pipe --block 1k 'head -n1'", NUMBERS * 20),
    case("pipe_fails", "-k --pipe -N 500 'cat > /dev/null; false'", NUMBERS),
    case("pipe_without_command", "--pipe", NUMBERS),
    case("spreadstdin", "-k --spreadstdin -N 700 wc -l", NUMBERS),
    case("part", f"-k --pipe-part -a in --block 1k {CAT}", files={"in": NUMBERS}),
    case("part_files", f"-k --pipe-part --block 1k {CAT} :::: in two", files={"in": NUMBERS, "two": "x\ny\n"}),
    case("part_per_slot", "-k -j3 --pipe-part -a in --block -1 wc", files={"in": NUMBERS}),
    case("part_default", "-k -j2 --pipe-part -a in wc", files={"in": NUMBERS}),
    case("part_recstart", f"-k --pipe-part -a in --block 8 --recstart '>' {CAT}", files={"in": FASTA}),
    case("part_header", f"-k --pipe-part -a in --block 8 --header : {CAT}", files={"in": "h\n" + NUMBERS[:40]}),
    case("part_missing", "--pipe-part -a missing wc"),
    case("part_N", "--pipe-part -a in -N1 wc", files={"in": NUMBERS}),
]
