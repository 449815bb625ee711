#include "deploy/environments.hpp"

#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "deploy/conda_setup.hpp"
#include "deploy/container_job.hpp"
#include "deploy/container_setup.hpp"
#include "deploy/image_identity.hpp"
#include "deploy/modules.hpp"
#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr std::size_t kMostAtOnce = 4;

// Where a containerized image has the environments of its workflow, each under the hash of what it is made from.
constexpr std::string_view kEnvironmentsOfImages = "/conda-envs/";

bool is_in_image(const Environment& environment) {
  return environment.is_containerized && environment.kind == Environment::Kind::kCondaFile &&
         !environment.image.empty();
}

Environment image_of(const Environment& environment) {
  Environment image;
  image.image = environment.image;
  image.shown = "container " + environment.image;
  return image;
}

Error removed_meanwhile(const Environment& environment, const std::string& path) {
  return Error{
      "the environment " + environment.shown + " has been removed while the run went on (" + path + ")", "",
      0, "The next run makes it again."};
}

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
    std::unique_ptr<ContainerSetup> pull{};
    std::size_t slot = 0;
    Activation activation{};
    Error error{};
    std::string folder{};  // where it was when it was activated
    std::vector<Done> waiting{};
  };
  using Phase = Entry::Phase;

  Entry& entry(const Environment& environment) {
    Entry& found = entries[{environment.kind, environment.address, environment.image}];
    if (found.environment.is_none()) found.environment = environment;
    return found;
  }
  const Entry* find(const Environment& environment) const {
    const auto found = entries.find({environment.kind, environment.address, environment.image});
    return found == entries.end() ? nullptr : &found->second;
  }
  bool is_ready(const Environment& environment) const {
    const Entry* const found = find(environment);
    return found != nullptr && found->phase == Phase::kReady;
  }

  const Result<CondaFile>& file_of(Entry& entry) {
    if (!entry.file) {
      entry.file = CondaFile::read(entry.environment.address);
      if (*entry.file) (*entry.file)->image = entry.environment.image;
    }
    return *entry.file;
  }

  std::string conda_identity(const Environment& environment) {
    if (environment.kind == Environment::Kind::kNone) return {};
    if (environment.kind != Environment::Kind::kCondaFile) return environment.shown;
    Entry& entry = this->entry(environment);
    if (entry.identity.empty()) {
      const auto& file = file_of(entry);
      entry.identity = "conda " + (file ? file->content_hash() : "that cannot be read");
    }
    return entry.identity;
  }

  const Result<CondaProgram>& conda() {
    if (!program) program = CondaProgram::find(settings.conda_frontend, settings.conda_base);
    return *program;
  }

  const Result<CondaProgram>& conda_for(const Environment& environment) {
    if (environment.image.empty()) return conda();
    if (!program_of_images) program_of_images = CondaProgram::in_container(settings.conda_frontend);
    return *program_of_images;
  }

  const Result<std::unique_ptr<ContainerRuntime>>& containers() {
    if (!runtime)
      runtime = ContainerRuntime::find(settings.container_runtime, settings.container_prefix, limits);
    return *runtime;
  }

  void start_next() {
    while (running < kMostAtOnce && !queue.empty()) {
      Entry& next = *queue.front();
      queue.pop_front();
      start(next);
    }
  }

  void start(Entry& entry) { entry.environment.is_conda() ? start_conda(entry) : start_pull(entry); }

  void start_conda(Entry& entry) {
    const CondaFile* file = nullptr;
    if (entry.environment.kind == Environment::Kind::kCondaFile) {
      const auto& read = file_of(entry);
      if (!read) return end(entry, fail(read.error()));
      file = &*read;
      Entry& first = first_of(entry, *file);
      if (&first != &entry) return follow(entry, first);
    }
    Environment environment = entry.environment;
    if (environment.kind == Environment::Kind::kCondaFolder && environment.image.empty() &&
        os::status(environment.address).kind != os::FileStatus::Kind::kDirectory)
      return end(entry,
                 fail(Error{environment.shown + ": there is no folder " + environment.address, "", 0,
                            "The file of an environment ends in .yaml or .yml; a name has no slash."}));
    if (file != nullptr && is_in_image(environment)) {
      environment.address = std::string(kEnvironmentsOfImages) + file->content_hash();
      file = nullptr;
    }
    const auto& found = conda_for(environment);
    if (!found) return end(entry, fail(found.error()));
    std::atomic<std::int32_t>* const slot = begin(entry);
    CondaSetup::Context context{*loop, settings, *found, say, slot};
    if (!environment.image.empty()) {
      context.contain = [this, image = environment.image](std::vector<std::string> argv) {
        return container_for(image).put(std::move(argv), settings.conda_prefix);
      };
    }
    entry.setup = std::make_unique<CondaSetup>(std::move(context), environment, file);
    entry.setup->start([this, &entry](Result<Activation> done) {
      entry.setup.reset();
      end_started(entry, std::move(done));
    });
  }

  // Of an image that is ready.
  JobContainer container_for(const std::string& image) {
    const ContainerRuntime& found = **containers();
    return {found, found.place(image), settings.container_arguments, os::current_directory()};
  }

  // The first of those that are made from the same: wrappers of one tool, for example, bring equal files.
  Entry& first_of(Entry& entry, const CondaFile& file) {
    return *made_from.try_emplace({file.content_hash(), entry.environment.image}, &entry).first->second;
  }

  // Ends as FIRST does, which serves both.
  void follow(Entry& entry, Entry& first) {
    entry.phase = Phase::kSettingUp;
    const auto take_over = [this, &entry, &first](const Result<void>& done) {
      end(entry, done ? Result<Activation>(first.activation) : fail(first.error));
    };
    if (first.phase == Phase::kReady || first.phase == Phase::kFailed)
      return take_over(first.phase == Phase::kReady ? Result<void>() : fail(first.error));
    first.waiting.push_back(take_over);
  }

  void start_pull(Entry& entry) {
    const auto& found = containers();
    if (!found) return end(entry, fail(found.error()));
    std::atomic<std::int32_t>* const slot = begin(entry);
    entry.pull = std::make_unique<ContainerSetup>(
        ContainerSetup::Context{*loop, settings, **found, say, slot}, entry.environment.image);
    entry.pull->start([this, &entry](Result<void> done) {
      entry.pull.reset();
      end_started(entry, done ? Result<Activation>() : fail(std::move(done.error())));
    });
  }

  std::atomic<std::int32_t>* begin(Entry& entry) {
    ++running;
    entry.phase = Phase::kSettingUp;
    entry.slot = free_slot();
    if (watchdog == nullptr) return nullptr;
    return &watchdog->slot(static_cast<std::uint32_t>(os::Watchdog::kSlots - 1 - entry.slot));
  }

  void end_started(Entry& entry, Result<Activation> done) {
    --running;
    slots[entry.slot] = false;
    end(entry, std::move(done));
    start_next();
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
  std::map<std::tuple<Environment::Kind, std::string, std::string>, Entry> entries;
  std::map<std::pair<std::string, std::string>, Entry*> made_from;  // by its hash and its image
  std::optional<Result<CondaProgram>> program, program_of_images;
  std::optional<Result<std::unique_ptr<ContainerRuntime>>> runtime;
  std::map<std::string, std::string> image_identities;
  const ContainerLimits limits = ContainerLimits::own();  // before the executor raises them
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
  const std::string conda = state_->conda_identity(environment);
  if (environment.image.empty()) return conda;
  std::string& image = state_->image_identities[environment.image];
  if (image.empty()) image = image_identity(environment.image);
  return conda.empty() ? image : image + " with " + conda;
}

void Environments::attach(os::EventLoop& loop, os::Watchdog* watchdog, Say say) {
  state_->loop = &loop;
  state_->watchdog = watchdog;
  state_->say = std::move(say);
}

void Environments::detach() {
  state_->queue.clear();
  state_->made_from.clear();
  for (auto& [key, entry] : state_->entries) {
    entry.setup.reset();
    entry.pull.reset();
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
  if (!environment.needs_setup()) return true;
  const bool has_image = environment.image.empty() || state_->is_ready(image_of(environment));
  return has_image && (!environment.is_conda() || state_->is_ready(environment));
}

void Environments::set_up(const Environment& environment, Done done) {
  if (!environment.needs_setup()) return done({});
  if (environment.is_conda() && !environment.image.empty() && !state_->is_ready(image_of(environment))) {
    // First the image, in which the conda environment is then made.
    return set_up(image_of(environment), [this, environment, done = std::move(done)](Result<void> pulled) {
      pulled ? set_up(environment, done) : done(pulled);
    });
  }
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
  if (environment.kind == Environment::Kind::kModules) {
    load_modules(environment.modules, state_->settings.python, launch);
    return {};
  }
  if (!environment.is_conda()) return {};
  const State::Entry* const entry = state_->find(environment);
  if (entry == nullptr || entry->phase != State::Phase::kReady)
    return fail(environment.shown + " is not set up yet");
  const bool is_here = environment.image.empty() || environment.kind == Environment::Kind::kCondaFile;
  if (is_here && !is_in_image(environment) && !entry->folder.empty() && !os::status(entry->folder).exists())
    return fail(removed_meanwhile(environment, entry->folder));
  if (state_->settings.blocks_search_paths) {
    for (const std::string_view name : kSearchPaths)
      if (std::getenv(name.data()) != nullptr) launch.removed.emplace_back(name);
  }
  if (!environment.image.empty()) return {};  // it is activated in the container
  return activate(entry->activation, state_->settings.python, launch);
}

Result<void> Environments::contain(const Environment& environment, const ContainerPlace& place,
                                   plan::Launch& launch) {
  if (environment.image.empty()) return {};
  if (!is_ready(environment)) return fail(environment.shown + " is not set up yet");
  const JobContainer container = state_->container_for(environment.image);
  if (container.image().starts_with("/") && !os::status(container.image()).exists())
    return fail(removed_meanwhile(environment, container.image()));
  const State::Entry* const conda = environment.is_conda() ? state_->find(environment) : nullptr;
  ContainerPlace shown = place;
  if (conda != nullptr && !is_in_image(environment)) shown.folders.push_back(conda->folder);
  return container.put(shown, conda == nullptr ? nullptr : &conda->activation, launch);
}

Result<Environments::Place> Environments::place(const Environment& environment) {
  if (environment.kind != Environment::Kind::kCondaFile) return Place{environment.address};
  if (is_in_image(environment)) return Place{environment.shown};
  const auto& file = state_->file_of(state_->entry(environment));
  if (!file) return fail(file.error());
  const CondaFolder found = find_conda_folder(*file, state_->settings.conda_prefix);
  return Place{found.path, found.is_whole};
}

Result<Environments::Place> Environments::place_of_image(const std::string& image) {
  const auto& runtime = state_->containers();
  if (!runtime) return fail(runtime.error());
  FURROW_TRY((*runtime)->accepts(image));
  return Place{(*runtime)->place(image), has_image(**runtime, image)};
}

}  // namespace furrow::deploy
