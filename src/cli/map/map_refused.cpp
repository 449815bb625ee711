#include "cli/map/map_refused.hpp"

#include <array>
#include <string_view>

namespace furrow::cli {

namespace {

struct Refused {
  std::string_view names;  // each with a blank on both sides
  std::string_view reason;
};

constexpr std::string_view kMachines = "not supported; furrow map runs jobs on this machine";
constexpr std::string_view kPerl =
    "not supported, because Furrow has no Perl; --plus has more replacement strings, and the shell can do "
    "the rest";
constexpr auto kRefused = std::to_array<Refused>({
    {" --sshlogin -S --sshloginfile --slf --ssh --controlmaster -M --sshdelay --ssh-delay --filter-hosts "
     "--hostgroups --hgrp ",
     kMachines},
    {" --transferfile --transfer-file --tf --transfer --return --trc --cleanup --basefile --bf --rsync-opts "
     "--onall --nonall ",
     kMachines},
    {" --sql --sql-master --sqlmaster --sql-worker --sqlworker --sql-and-worker --sqlandworker ",
     "not supported; --results NAME.csv writes a table, --joblog another"},
    {" --rpl --parens --filter ", kPerl},
    {" --extensionreplace --er --basenamereplace --bnr --dirnamereplace --dnr --basenameextensionreplace "
     "--bner --seqreplace --slotreplace ",
     "not supported; -I renames {}, the others keep their names"},
    {" --tmux --tmuxpane --tmux-pane --latest-line --latestline --ll --color --colour --ctag --ctagstring "
     "--color-failed --cf ",
     "not supported; --bar shows the progress, --tag labels each line with its job"},
    {" --semaphore --semaphore-name --semaphorename --id --semaphore-timeout --st --fg --bg --wait ",
     "not supported; flock(1) makes commands wait for each other"},
    {" --shard --bin --group-by --groupby --tee ",
     "not supported; --pipe and --pipe-part give each job a block of its own"},
    {" --round-robin --roundrobin --round ", "not supported; --pipe-part --block -1 makes one job per slot"},
    {" --block-timeout --blocktimeout --bt ", "not supported; a smaller --block makes jobs start sooner"},
    {" --cat --fifo ", "not supported; with --pipe the program can open /dev/stdin"},
    {" --files --output-as-files --outputasfiles ",
     "not supported; --results keeps each job's output in files"},
    {" --template --tmpl ",
     "not supported; let the job make its file, as in 'sed s/X/{}/ template > {#}.txt && ...'"},
    {" --limit --noswap --memsuspend ", "not supported; --load and --memfree hold new jobs back"},
    {" --interactive -p ", "not supported; --dry-run shows what would run"},
    {" --tty --open-tty -o ", "not supported; a job has no terminal"},
    {" --profile -J ", "not supported; put the options into an alias or a script"},
    {" --shebang --hashbang --shebang-wrap --embed --session --record-env --recordenv --skip-first-line "
     "--skipfirstline ",
     "not supported; write a script that calls furrow map"},
    {" --shell-quote --shellquote ", "not supported; --dry-run shows how values are quoted"},
    {" --shell-completion --shellcompletion ",
     "not supported; completions for bash, zsh and fish are installed with furrow"},
    {" --compress-program --use-compress-program --decompress-program --use-decompress-program ",
     "not needed: output is not kept in temporary files by name"},
    {" --version -V --minversion --min-version ", "use furrow --version"},
    {" --show-limits --max-line-length-allowed --number-of-cores --number-of-cpus --number-of-sockets "
     "--number-of-threads ",
     "not supported; see getconf ARG_MAX and lscpu"},
});

}  // namespace

std::string why_refused(const std::string& name) {
  const std::string word = " " + name + " ";
  for (const Refused& refused : kRefused)
    if (refused.names.find(word) != std::string_view::npos) return std::string(refused.reason);
  return {};
}

}  // namespace furrow::cli
