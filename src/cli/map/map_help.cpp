#include "cli/map/map_help.hpp"

namespace furrow::cli {

std::string map_help() {
  return
      R"(furrow map [OPTION...] COMMAND... [::: VALUE...]    run a command for each input

  furrow map gzip -k {} ::: *.csv             compress every file, on all cores
  find . -name '*.wav' -print0 | furrow map -0 sox {} {.}.mp3
  furrow map -j 8 'convert {} {.}.png' :::: list.txt         files from a list
  furrow map --header : 'sim --T {T} --P {P} --seed {seed}' ::: T 1 2 ::: P 3 4
  furrow map --joblog log --resume --bar ./job {} :::: ids   resume a run

Inputs: lines of standard input, or
  ::: VALUE...  :::: FILE...  -a FILE     several give all combinations; :::+,
                                          ::::+ and --link pair the values
  -0  -d CHAR                             values end with NUL, with CHAR
  -C, --colsep EXPR  --csv  --header :    columns {1} {2}; {name} from header
  -n N  -N N  -L N  -m  -X  --xargs  -s N several values per job
  --trim n|l|r|lr  -r  -E TEXT  --shuf    blanks, blank lines, end mark, order
  --arg-sep S  --arg-file-sep S           instead of ::: and ::::
Replacement strings (quoted for the shell; {} is added if there is none)
  {} {.} {/} {//} {/.}   value, without extension, base name, folder, bare name
  {1} {-1} {2.} {name/}  one value;  {#} {%} {seed}  job's number, slot and seed
  -I STRING instead of {};  -q quotes the command's words too
  --plus {..} {+/} {:3} {%.gz} {/a/b} {^^a} {##} {0#} ...
How many jobs at a time
  -j N|+N|-N|N%  --load N|N%  --memfree SIZE  --delay TIME         (default:
  --nice N  --wd DIR  --env NAME  --shell PROGRAM  --tmpdir DIR    -j 100%)
What happens to a job
  --retries N  --timeout TIME|N%  --termseq TERM,200,KILL,25
  --halt now|soon,fail|success|done=N|N%  when to stop early
What is printed
  -k  --group  --line-buffer  -u          in order; by job, by line, at once
  --tag  --tagstring TEXT                 label each line with its job
  --dry-run  -v  -t, --verbose            print commands: only, also, to stderr
  --bar  --progress  --eta  --quiet  --trace FILE     a timeline for Perfetto
What is kept
  --results DIR|NAME.csv|.tsv|.json       save what each job prints
  --output FILE                           file it makes: skip the job if newer,
                                          remove it if the job fails
  --joblog FILE  --joblog-usage           a line for each job; memory, CPU time
  --resume  --resume-failed  --retry-failed   run what is new or failed
  --seed N                                for {seed} and --shuf
On a cluster
  --executor slurm  --packing HOW  --batch-nodes N   -j: Slurm jobs at a time
  --resource mem_mb=N|runtime=MIN|...     what each job needs
Give each job a block of standard input, or of a file, to read
  --pipe  --pipe-part -a FILE  --block SIZE  -N RECORDS  -L LINES
  --recstart S  --recend S  --regexp  --rrs

Exit status: the number of failed jobs, 101 for more than 100, 255 for misuse.
See man furrow; docs/map.md; docs/coming-from-parallel.md for what differs)";
}

}  // namespace furrow::cli
