#include "cli/rank_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "cli/launcher_check.hpp"
#include "cli/node_evaluator.hpp"
#include "cli/report_error.hpp"
#include "exec/ranks/rank_runner.hpp"
#include "exec/ranks/transport_plugin.hpp"
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

// If the launcher is killed, nobody else ends this process; when it ends, its watchdog ends the jobs.
std::function<void()> exit_if_launcher_died(int launcher) {
  return [launcher] {
    if (::getppid() != launcher) ::_exit(1);
  };
}

// Slurm sends standard input to all tasks; a task that does not read it must not block the others.
void close_standard_input() {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (nothing > STDERR_FILENO) ::close(nothing);
}

}  // namespace

RankSession::~RankSession() = default;

Result<std::unique_ptr<RankSession>> RankSession::join(const std::string& version) {
  const auto launched = launched_several_times();
  if (!launched) {
    forget_launcher();
    return std::unique_ptr<RankSession>();
  }
  if (!launched->has_mpi)
    return fail(refuse_several_ranks(*launched, "they cannot find each other: " + launched->by +
                                                    " was not told that this is an MPI program"));
  if (!os::status(exec::transport_plugin()).exists())
    return fail(
        refuse_several_ranks(*launched, "this furrow was built without MPI (Debian: libopenmpi-dev; then " +
                                            exec::transport_plugin() + " is there)"));
  std::unique_ptr<RankSession> ranks(new RankSession);
  if ((ranks->supervisor_ = os::supervise_slurm_rank()) != nullptr)
    ranks->supervisor_->enter(os::Supervisor::Stage::kNeeded);
  ranks->launcher_ = ::getppid();
  auto transport = FURROW_TRY(exec::load_transport());
  ranks->transport_ = std::move(transport);
  if (ranks->transport_->size() <= 1) {
    ranks->end();
    return fail(
        refuse_several_ranks(*launched, "MPI sees each of them alone: " + launched->by +
                                            " does not work with the MPI with which furrow was built"));
  }
  const exec::RankFigures own = own_figures(version, ranks->transport_->ranks_here());
  forget_launcher();
  if (!ranks->is_root()) {
    exec::RankSet::say_hello(*ranks->transport_, own);
    return ranks;
  }
  auto rank_set = exec::RankSet::meet(*ranks->transport_, own, exit_if_launcher_died(ranks->launcher_));
  if (!rank_set) {
    ranks->end();
    return fail(std::move(rank_set.error()));
  }
  ranks->rank_set_ = *std::move(rank_set);
  return ranks;
}

int RankSession::serve() {
  close_standard_input();
  ::signal(SIGPIPE, SIG_IGN);
  auto watchdog = os::Watchdog::start({});
  if (!watchdog) {
    report_error(watchdog.error());
    ::_exit(1);  // mpirun or our supervisor ends the other ranks
  }
  os::EventLoop loop;
  {
    exec::RankRunner runner(
        *transport_, **watchdog,
        [](const exec::BatchEvaluator& recipe, os::EventLoop& own_loop, os::Watchdog& own_watchdog) {
          return std::make_unique<NodeForks>(recipe, own_loop, own_watchdog);
        },
        exit_if_launcher_died(launcher_));
    const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}),
                                  [&](int signal) { runner.signalled(signal); });
    runner.serve(loop);
  }
  end();
  return 0;
}

void RankSession::shut_down() {
  rank_set_->shut_down();
  end();
}

void RankSession::end() {
  transport_->end();
  if (supervisor_ != nullptr) supervisor_->enter(os::Supervisor::Stage::kOver);
}

}  // namespace furrow::cli
