#include "cli/ranks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "cli/launcher_check.hpp"
#include "cli/node_evaluator.hpp"
#include "cli/tell.hpp"
#include "exec/ranks/post_plugin.hpp"
#include "exec/ranks/rank_runner.hpp"
#include "os/cores/share.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"
#include "os/process/slurm_rank.hpp"

namespace furrow::cli {

namespace {

exec::RankFigures own_figures(const std::string& version, int ranks_here) {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  const char* const node = std::getenv("SLURMD_NODENAME");
  const os::Cores cores = os::share_of_cores(ranks_here);
  return {version, node ? node : host, cores.physical, cores.logical, os::share_of_memory_mb(ranks_here)};
}

// Where the launcher was killed nobody would end us: our guard ends the jobs.
std::function<void()> leave_with(int launcher) {
  return [launcher] {
    if (::getppid() != launcher) ::_exit(1);
  };
}

// Slurm sends standard input to all tasks: what nobody reads must not hold up the others.
void close_standard_input() {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (nothing > STDERR_FILENO) ::close(nothing);
}

}  // namespace

Ranks::~Ranks() = default;

Result<std::unique_ptr<Ranks>> Ranks::join(const std::string& version) {
  const auto launched = launched_several_times();
  if (!launched) {
    forget_launcher();
    return std::unique_ptr<Ranks>();
  }
  if (!launched->has_mpi)
    return fail(refuse_several_ranks(
        *launched, "they cannot find each other: " + launched->by + " was not told that this is MPI"));
  if (!os::status(exec::post_plugin()).exists())
    return fail(
        refuse_several_ranks(*launched, "this furrow was built without MPI (Debian: libopenmpi-dev; then " +
                                            exec::post_plugin() + " is there)"));
  std::unique_ptr<Ranks> ranks(new Ranks);
  if ((ranks->keeper_ = os::keep_slurm_rank()) != nullptr) ranks->keeper_->enter(os::Keeper::Stage::kNeeded);
  ranks->launcher_ = ::getppid();
  auto post = exec::load_post();
  if (!post) return fail(std::move(post.error()));
  ranks->post_ = *std::move(post);
  if (ranks->post_->size() <= 1) {
    ranks->end();
    return fail(refuse_several_ranks(*launched,
                                     "for MPI each of them is alone: " + launched->by +
                                         " and the MPI with which furrow was built do not know each other"));
  }
  const exec::RankFigures own = own_figures(version, ranks->post_->ranks_here());
  forget_launcher();
  if (!ranks->is_root()) {
    exec::RankTeam::say_hello(*ranks->post_, own);
    return ranks;
  }
  auto team = exec::RankTeam::meet(*ranks->post_, own, leave_with(ranks->launcher_));
  if (!team) {
    ranks->end();
    return fail(std::move(team.error()));
  }
  ranks->team_ = *std::move(team);
  return ranks;
}

int Ranks::serve() {
  close_standard_input();
  ::signal(SIGPIPE, SIG_IGN);
  auto guard = os::Guard::start({});
  if (!guard) {
    tell(guard.error());
    ::_exit(1);  // mpirun ends the others, or our keeper does
  }
  os::EventLoop loop;
  {
    exec::RankRunner runner(
        *post_, **guard,
        [](const exec::BatchEvaluator& recipe, os::EventLoop& own_loop, os::Guard& own_guard) {
          return std::make_unique<NodeForks>(recipe, own_loop, own_guard);
        },
        leave_with(launcher_));
    const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}),
                                  [&](int signal) { runner.signalled(signal); });
    runner.serve(loop);
  }
  end();
  return 0;
}

void Ranks::leave() {
  team_->leave();
  end();
}

void Ranks::end() {
  post_->end();
  if (keeper_ != nullptr) keeper_->enter(os::Keeper::Stage::kOver);
}

}  // namespace furrow::cli
