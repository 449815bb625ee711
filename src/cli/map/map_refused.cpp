#include "cli/map/map_refused.hpp"

#include <array>
#include <string_view>

namespace furrow::cli {

namespace {

struct Refused {
  std::string_view names;  // each between blanks
  std::string_view reason;
};

constexpr std::string_view kMachines = "not there; furrow map runs jobs on this machine";
constexpr std::string_view kPerl =
    "not there, since there is no Perl; --plus has more replacement strings, and the shell can do the rest";
constexpr auto kRefused = std::to_array<Refused>({
    {" --sshlogin -S --sshloginfile --slf --ssh --controlmaster -M --sshdelay --ssh-delay --filter-hosts "
     "--hostgroups --hgrp ",
     kMachines},
    {" --transferfile --transfer-file --tf --transfer --return --trc --cleanup --basefile --bf --rsync-opts "
     "--onall --nonall ",
     kMachines},
    {" --sql --sql-master --sqlmaster --sql-worker --sqlworker --sql-and-worker --sqlandworker ",
     "not there; --results NAME.csv writes a table, --joblog another"},
    {" --rpl --parens --filter ", kPerl},
    {" --extensionreplace --er --basenamereplace --bnr --dirnamereplace --dnr --basenameextensionreplace "
     "--bner --seqreplace --slotreplace ",
     "not there; -I renames {}, the others keep their names"},
    {" --tmux --tmuxpane --tmux-pane --latest-line --latestline --ll --color --colour --ctag --ctagstring "
     "--color-failed --cf ",
     "not there; --bar shows what goes on, --tag whose a line is"},
    {" --semaphore --semaphore-name --semaphorename --id --semaphore-timeout --st --fg --bg --wait ",
     "not there; flock(1) makes commands wait for each other"},
    {" --shard --bin --group-by --groupby --tee ",
     "not there; --pipe and --pipe-part give each job a block of its own"},
    {" --round-robin --roundrobin --round ", "not there; --pipe-part --block -1 makes one job for each slot"},
    {" --block-timeout --blocktimeout --bt ", "not there; a smaller --block makes jobs start sooner"},
    {" --cat --fifo ", "not there; with --pipe the program can open /dev/stdin"},
    {" --files --output-as-files --outputasfiles ", "not there; --results keeps each job's output in files"},
    {" --template --tmpl ",
     "not there; let the job make its file, as in 'sed s/X/{}/ template > {#}.txt && ...'"},
    {" --limit --noswap --memsuspend ", "not there; --load and --memfree hold new jobs back"},
    {" --interactive -p ", "not there; --dry-run shows what would run"},
    {" --tty --open-tty -o ", "not there; a job has no terminal"},
    {" --profile -J ", "not there; put the options into an alias or a script"},
    {" --shebang --hashbang --shebang-wrap --embed --session --record-env --recordenv --skip-first-line "
     "--skipfirstline ",
     "not there; write a script that calls furrow map"},
    {" --shell-quote --shellquote ", "not there; --dry-run shows how values are quoted"},
    {" --shell-completion --shellcompletion ",
     "not there; completions for bash, zsh and fish are installed with furrow"},
    {" --compress-program --use-compress-program --decompress-program --use-decompress-program ",
     "not needed: output is not kept in temporary files by name"},
    {" --version -V --minversion --min-version ", "say furrow --version"},
    {" --show-limits --max-line-length-allowed --number-of-cores --number-of-cpus --number-of-sockets "
     "--number-of-threads ",
     "not there; see getconf ARG_MAX and lscpu"},
});

}  // namespace

std::string why_refused(const std::string& name) {
  const std::string word = " " + name + " ";
  for (const Refused& refused : kRefused)
    if (refused.names.find(word) != std::string_view::npos) return std::string(refused.reason);
  return {};
}

}  // namespace furrow::cli
