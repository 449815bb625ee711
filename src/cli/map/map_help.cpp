#include "cli/map/map_help.hpp"

namespace furrow::cli {

std::string map_help() {
  return
      R"(furrow map [OPTION...] COMMAND... [::: VALUE...]    run a command for each input

  furrow map gzip -k {} ::: *.csv             compress every file, on all cores
  find . -name '*.wav' -print0 | furrow map -0 sox {} {.}.mp3
  furrow map -j 8 'convert {} {.}.png' :::: list.txt         files from a list
  furrow map --header : 'sim --T {T} --P {P} --seed {seed}' ::: T 1 2 ::: P 3 4
  furrow map --joblog log --resume --bar ./job {} :::: ids   go on where it was

Inputs: lines of standard input, or
  ::: VALUE...  :::: FILE...  -a FILE     several are multiplied; :::+ ::::+ and
                                          --link go in step
  -0  -d CHAR                             ended by NUL, by CHAR
  -C, --colsep EXPR  --csv  --header :    columns {1} {2}; {name} by the header
  -n N  -N N  -L N  -m  -X  --xargs  -s N several values for one job
  --trim n|l|r|lr  -r  -E TEXT  --shuf    blanks, blank lines, end mark, order
  --arg-sep S  --arg-file-sep S           in place of ::: and ::::
Replacement strings: quoted for the shell, {} is added where there is none
  {} {.} {/} {//} {/.}   value, without extension, base name, folder, base alone
  {1} {-1} {2.} {name/}  one value;  {#} {%} {seed}  job's number, slot and seed
  -I STRING in place of {};  -q quotes the command's words too
  --plus {..} {+/} {:3} {%.gz} {/a/b} {^^a} {##} {0#} ...
How much at a time
  -j N|+N|-N|N%  --load N|N%  --memfree SIZE  --delay TIME         [-j 100%: all
  --nice N  --wd DIR  --env NAME  --shell PROGRAM  --tmpdir DIR    cores]
What happens to a job
  --retries N  --timeout TIME|N%  --termseq TERM,200,KILL,25
  --halt now|soon,fail|success|done=N|N%  when to stop early
What is printed
  -k  --group  --line-buffer  -u          in order; by job, by line, at once
  --tag  --tagstring TEXT                 whose line it is
  --dry-run  -v  -t, --verbose            commands: alone; also; on stderr
  --bar  --progress  --eta  --quiet
What is kept
  --results DIR|NAME.csv|.tsv|.json       what each job prints
  --output FILE                           what the job makes: skipped if newer,
                                          removed if the job fails
  --joblog FILE  --joblog-usage           a line for each job; memory, CPU time
  --resume  --resume-failed  --retry-failed   by the log: what is new or failed
  --seed N                                for {seed} and --shuf
On a cluster
  --executor slurm  --packing HOW  --batch-nodes N   -j: Slurm jobs at a time
  --resource mem_mb=N|runtime=MIN|...     what each job needs
Blocks of standard input, or of a file, on each job's standard input
  --pipe  --pipe-part -a FILE  --block SIZE  -N RECORDS  -L LINES
  --recstart S  --recend S  --regexp  --rrs

Exit status: the number of failed jobs, 101 for more than 100, 255 for mistakes.
See man furrow; docs/map.md; docs/coming-from-parallel.md for what differs)";
}

}  // namespace furrow::cli
