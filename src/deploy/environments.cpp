#include "deploy/environments.hpp"

#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "deploy/conda_setup.hpp"
#include "deploy/modules.hpp"
#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr std::size_t kMostAtOnce = 4;

}  // namespace

class Environments::State {
 public:
  explicit State(Settings given) : settings(std::move(given)) {}

  struct Entry {
    enum class Phase : std::uint8_t {
      kUnknown,    // nothing has asked for it yet
      kQueued,     // others are being set up
      kSettingUp,  // by `setup`
      kReady,      // `activation` is there
      kFailed,     // `error` says why
    };
    Phase phase = Phase::kUnknown;
    Environment environment{};
    std::optional<Result<CondaFile>> file{};
    std::string identity{};
    std::unique_ptr<CondaSetup> setup{};
    std::size_t slot = 0;
    Activation activation{};
    Error error{};
    std::string folder{};  // where it was when it was activated
    std::vector<Done> waiting{};
  };
  using Phase = Entry::Phase;

  Entry& entry(const Environment& environment) {
    Entry& found = entries[{environment.kind, environment.address}];
    if (found.environment.kind == Environment::Kind::kNone) found.environment = environment;
    return found;
  }
  const Entry* find(const Environment& environment) const {
    const auto found = entries.find({environment.kind, environment.address});
    return found == entries.end() ? nullptr : &found->second;
  }

  const Result<CondaFile>& file_of(Entry& entry) {
    if (!entry.file) entry.file = CondaFile::read(entry.environment.address);
    return *entry.file;
  }

  const Result<CondaProgram>& conda() {
    if (!program) program = CondaProgram::find(settings.conda_frontend, settings.conda_base);
    return *program;
  }

  void start_next() {
    while (running < kMostAtOnce && !queue.empty()) {
      Entry& next = *queue.front();
      queue.pop_front();
      start(next);
    }
  }

  void start(Entry& entry) {
    const CondaFile* file = nullptr;
    if (entry.environment.kind == Environment::Kind::kCondaFile) {
      const auto& read = file_of(entry);
      if (!read) return end(entry, fail(read.error()));
      file = &*read;
    }
    const std::string& address = entry.environment.address;
    if (entry.environment.kind == Environment::Kind::kCondaFolder &&
        os::status(address).kind != os::FileStatus::Kind::kDirectory)
      return end(entry,
                 fail(Error{entry.environment.shown + ": there is no folder " + address, "", 0,
                            "The file of an environment ends in .yaml or .yml; a name has no slash."}));
    const auto& found = conda();
    if (!found) return end(entry, fail(found.error()));
    ++running;
    entry.phase = Phase::kSettingUp;
    entry.slot = free_slot();
    std::atomic<std::int32_t>* const slot =
        watchdog == nullptr
            ? nullptr
            : &watchdog->slot(static_cast<std::uint32_t>(os::Watchdog::kSlots - 1 - entry.slot));
    entry.setup = std::make_unique<CondaSetup>(CondaSetup::Context{*loop, settings, *found, say, slot},
                                               entry.environment, file);
    entry.setup->start([this, &entry](Result<Activation> done) {
      --running;
      slots[entry.slot] = false;
      entry.setup.reset();
      end(entry, std::move(done));
      start_next();
    });
  }

  std::size_t free_slot() {
    std::size_t slot = 0;
    while (slots[slot]) ++slot;
    slots[slot] = true;
    return slot;
  }

  void end(Entry& entry, Result<Activation> done) {
    entry.phase = done ? Phase::kReady : Phase::kFailed;
    if (done) {
      entry.activation = std::move(*done);
      for (const auto& [name, value] : entry.activation.set)
        if (name == "CONDA_PREFIX") entry.folder = value;
    } else {
      entry.error = std::move(done.error());
    }
    const Result<void> result = done ? Result<void>() : fail(entry.error);
    for (const Done& each : std::exchange(entry.waiting, {})) each(result);
  }

  Settings settings;
  std::map<std::pair<Environment::Kind, std::string>, Entry> entries;
  std::optional<Result<CondaProgram>> program;
  os::EventLoop* loop = nullptr;
  os::Watchdog* watchdog = nullptr;
  Say say;
  std::size_t running = 0;
  bool slots[kMostAtOnce] = {};
  std::deque<Entry*> queue;
};

Environments::Environments(Settings settings) : state_(std::make_unique<State>(std::move(settings))) {}

Environments::~Environments() = default;

std::string Environments::identity(const Environment& environment) {
  if (environment.kind != Environment::Kind::kCondaFile) return environment.shown;
  State::Entry& entry = state_->entry(environment);
  if (entry.identity.empty()) {
    const auto& file = state_->file_of(entry);
    entry.identity = "conda " + (file ? file->content_hash() : "that cannot be read");
  }
  return entry.identity;
}

void Environments::attach(os::EventLoop& loop, os::Watchdog* watchdog, Say say) {
  state_->loop = &loop;
  state_->watchdog = watchdog;
  state_->say = std::move(say);
}

void Environments::detach() {
  state_->queue.clear();
  for (auto& [key, entry] : state_->entries) {
    entry.setup.reset();
    entry.waiting.clear();
    if (entry.phase == State::Phase::kQueued || entry.phase == State::Phase::kSettingUp)
      entry.phase = State::Phase::kUnknown;
  }
  state_->running = 0;
  for (bool& slot : state_->slots) slot = false;
  state_->loop = nullptr;
  state_->watchdog = nullptr;
}

bool Environments::is_ready(const Environment& environment) const {
  if (!environment.is_conda()) return true;
  const State::Entry* const entry = state_->find(environment);
  return entry != nullptr && entry->phase == State::Phase::kReady;
}

void Environments::set_up(const Environment& environment, Done done) {
  if (!environment.is_conda()) return done({});
  State::Entry& entry = state_->entry(environment);
  switch (entry.phase) {
    case State::Phase::kReady:
      return done({});
    case State::Phase::kFailed:
      return done(fail(Error{"the software environment " + environment.shown + " could not be set up", "", 0,
                             "", entry.error.message}));
    case State::Phase::kUnknown:
      entry.phase = State::Phase::kQueued;
      state_->queue.push_back(&entry);
      break;
    case State::Phase::kQueued:
    case State::Phase::kSettingUp:
      break;
  }
  entry.waiting.push_back(std::move(done));
  state_->start_next();
}

std::size_t Environments::in_progress() const { return state_->running + state_->queue.size(); }

Result<void> Environments::apply(const Environment& environment, plan::Launch& launch) const {
  using Kind = Environment::Kind;
  if (environment.kind == Kind::kNone) return {};
  if (environment.kind == Kind::kModules) {
    load_modules(environment.modules, state_->settings.python, launch);
    return {};
  }
  const State::Entry* const entry = state_->find(environment);
  if (entry == nullptr || entry->phase != State::Phase::kReady)
    return fail(environment.shown + " is not set up yet");
  if (!entry->folder.empty() && !os::status(entry->folder).exists())
    return fail(Error{"the environment " + environment.shown + " has been removed while the run went on (" +
                          entry->folder + ")",
                      "", 0, "The next run makes it again."});
  if (state_->settings.blocks_search_paths) {
    for (const std::string_view name : kSearchPaths)
      if (std::getenv(name.data()) != nullptr) launch.removed.emplace_back(name);
  }
  return activate(entry->activation, state_->settings.python, launch);
}

Result<Environments::Place> Environments::place(const Environment& environment) {
  if (environment.kind != Environment::Kind::kCondaFile) return Place{environment.address};
  const auto& file = state_->file_of(state_->entry(environment));
  if (!file) return fail(file.error());
  const CondaFolder found = find_conda_folder(*file, state_->settings.conda_prefix);
  return Place{found.path, found.is_whole};
}

}  // namespace furrow::deploy
