// Sets up one conda environment: makes it from its file, unless it is there, and activates it once.
//
//   waiting for the lock -> creating from pins -> creating from the file -> removing downloads -> activating for the
//   script -> running the script (NAME.post-deploy.sh) -> activating -> ended
//
// Steps that have nothing to do are left out. One process makes an environment at a time, under a lock (flock) on a file
// beside its folder: the lock ends with its process. A folder counts only once it is marked as whole, so whatever ends
// the process leaves nothing that is used. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "deploy/activation.hpp"
#include "deploy/conda_file.hpp"
#include "deploy/conda_program.hpp"
#include "deploy/environments.hpp"
#include "deploy/setup_command.hpp"
#include "deploy/setup_lock.hpp"

namespace furrow::deploy {

class CondaSetup {
 public:
  using Done = std::function<void(Result<Activation>)>;
  struct Context {
    os::EventLoop& loop;
    const Settings& settings;
    const CondaProgram& program;
    const Environments::Say& say;
    std::atomic<std::int32_t>* slot;  // of the watchdog; null: none
    // Puts a command into the container of the environment; empty: it has none.
    std::function<std::vector<std::string>(std::vector<std::string>)> contain{};
  };

  // FILE: of an environment that is described by one. Borrowed.
  CondaSetup(Context context, const Environment& environment, const CondaFile* file);
  // Ends what runs, and removes what is half-made.
  ~CondaSetup();
  CondaSetup(const CondaSetup&) = delete;
  CondaSetup& operator=(const CondaSetup&) = delete;

  // Calls DONE once, from the loop. DONE may destroy this object.
  void start(Done done);

 private:
  using Next = std::function<void(SetupCommand::Answer)>;

  void take_lock();
  void create();
  Result<void> make_place();
  void create_from_pins();
  void create_from_file();
  void remove_downloads();
  void prepare_script();
  void run_script(const Activation& activation);
  void mark();
  void activate(std::function<void(Activation)> next);
  void run(std::vector<std::string> argv, Next next);
  SetupCommand::Request request_for(std::vector<std::string> argv) const;
  void end(Result<Activation> result);
  Error failure(const std::string& what, const std::vector<std::string>& argv, const std::string& printed);

  const Context context_;
  const Environment environment_;
  const CondaFile* const file_;
  CondaFolder folder_{};
  Done done_;
  SetupLock lock_;
  bool is_half_made_ = false;
  double begun_ = 0;
  std::uint64_t timer_ = 0;
  std::vector<std::string> argv_;  // of the command that runs
  std::unique_ptr<SetupCommand> command_;
};

}  // namespace furrow::deploy
