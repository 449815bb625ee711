#include "deploy/conda_setup.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/process/job_cookie.hpp"

extern char** environ;

namespace furrow::deploy {

namespace {

std::vector<std::string> own_environment(bool blocks_search_paths) {
  std::vector<std::string> entries{"CONDA_ALWAYS_YES=true", "MAMBA_ALWAYS_YES=true"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry, name = text.substr(0, text.find('='));
    const bool is_blocked = blocks_search_paths && std::find(std::begin(kSearchPaths), std::end(kSearchPaths),
                                                             name) != std::end(kSearchPaths);
    if (!is_blocked) entries.emplace_back(text);
  }
  return entries;
}

std::vector<std::string> activated(std::vector<std::string> entries, const Activation& activation) {
  std::erase_if(entries, [&](const std::string& entry) {
    const std::string name = entry.substr(0, entry.find('='));
    const auto& removed = activation.removed;
    return std::find(removed.begin(), removed.end(), name) != removed.end() ||
           std::any_of(activation.set.begin(), activation.set.end(),
                       [&](const auto& each) { return each.first == name; });
  });
  for (const auto& [name, value] : activation.set) entries.push_back(name + "=" + value);
  return entries;
}

}  // namespace

CondaSetup::CondaSetup(Context context, const Environment& environment, const CondaFile* file)
    : context_(context), environment_(environment), file_(file), lock_(context_.loop) {}

CondaSetup::~CondaSetup() {
  context_.loop.cancel(timer_);
  command_.reset();
  if (is_half_made_) (void)remove_conda_folder(folder_.path);
}

void CondaSetup::start(Done done) {
  done_ = std::move(done);
  begun_ = os::monotonic_seconds();
  const auto finish = [this] { activate([this](Activation activation) { end(std::move(activation)); }); };
  if (file_ == nullptr) return finish();
  folder_ = find_conda_folder(*file_, context_.settings.conda_prefix);
  if (folder_.is_whole) return finish();
  if (auto made = os::make_directories(context_.settings.conda_prefix); !made)
    return end(fail(std::move(made.error())));
  take_lock();
}

// ---- making it

void CondaSetup::take_lock() {
  lock_.take(
      folder_.path + ".lock",
      [this] { context_.say("Waiting for another run that makes " + environment_.shown); },
      [this](Result<void> taken) {
        if (!taken) return end(fail(std::move(taken.error())));
        // Another process may have made it meanwhile.
        folder_ = find_conda_folder(*file_, context_.settings.conda_prefix);
        if (!folder_.is_whole) return create();
        lock_.release();
        activate([this](Activation activation) { end(std::move(activation)); });
      });
}

void CondaSetup::create() {
  context_.say("Making " + environment_.shown + " in " + shown_path(folder_.path));
  begun_ = os::monotonic_seconds();
  is_half_made_ = true;
  if (auto made = make_place(); !made) return end(fail(std::move(made.error())));
  file_->pins.empty() ? create_from_file() : create_from_pins();
}

// What a killed run has left goes; copies of the files come, since conda may not see the originals where it runs.
Result<void> CondaSetup::make_place() {
  FURROW_TRY(remove_conda_folder(folder_.path));
  FURROW_TRY(os::write_file(folder_.path + ".yaml", file_->content));
  if (!file_->pins.empty()) FURROW_TRY(os::write_file(folder_.path + ".pin.txt", file_->pins_content));
  if (!file_->post_deploy.empty())
    FURROW_TRY(os::write_file(folder_.path + ".post-deploy.sh", file_->post_deploy_content));
  for (const std::string& name : file_->requirements) {
    const std::string copy = os::absolute(context_.settings.conda_prefix + "/" + name);
    const std::string content = FURROW_TRY(os::read_file(os::parent_of(file_->path) + "/" + name));
    FURROW_TRY(os::make_parent(copy));
    FURROW_TRY(os::write_file(copy, content));
  }
  return {};
}

void CondaSetup::create_from_pins() {
  run(context_.program.create_from_pins(folder_.path + ".pin.txt", folder_.path),
      [this](SetupCommand::Answer answer) {
        if (answer.ok()) return remove_downloads();
        context_.say("Warning: " + file_->pins + " cannot be used; " + file_->path + " is used alone\n" +
                     end_of_output(answer.out));
        if (auto removed = os::remove_tree(folder_.path); !removed)
          return end(fail(std::move(removed.error())));
        create_from_file();
      });
}

void CondaSetup::create_from_file() {
  run(context_.program.create(folder_.path + ".yaml", folder_.path), [this](SetupCommand::Answer answer) {
    if (!answer.ok()) return end(fail(failure("cannot make " + environment_.shown, argv_, answer.out)));
    if (os::status(folder_.path).kind != os::FileStatus::Kind::kDirectory)
      return end(
          fail(failure("cannot make " + environment_.shown + ": there is no " + folder_.path + " afterwards",
                       argv_, answer.out)));
    remove_downloads();
  });
}

void CondaSetup::remove_downloads() {
  if (context_.settings.conda_cleanup.empty()) return prepare_script();
  run(context_.program.clean(context_.settings.conda_cleanup), [this](SetupCommand::Answer answer) {
    if (!answer.ok()) context_.say("Warning: downloads are not removed: " + end_of_output(answer.out));
    prepare_script();
  });
}

void CondaSetup::prepare_script() {
  if (file_->post_deploy.empty()) return mark();
  activate([this](const Activation& activation) { run_script(activation); });
}

void CondaSetup::run_script(const Activation& activation) {
  context_.say("Running " + file_->post_deploy);
  const std::string& text = file_->post_deploy_content;
  std::string interpreter = "sh";
  if (text.starts_with("#!")) interpreter = text.substr(2, text.find('\n') - 2);
  std::vector<std::string> argv{"/bin/sh", "-c",
                                interpreter + " " + shell_quote(folder_.path + ".post-deploy.sh")};
  if (context_.contain) argv = with_variables(activation, std::move(argv));
  SetupCommand::Request request = request_for(std::move(argv));
  if (!context_.contain) request.environment = activated(std::move(request.environment), activation);
  argv_ = request.argv;
  command_ = std::make_unique<SetupCommand>(context_.loop, request, [this](SetupCommand::Answer answer) {
    if (answer.ok()) return mark();
    end(fail(failure(file_->post_deploy + " has failed, so " + environment_.shown + " is not made", argv_,
                     answer.out)));
  });
}

void CondaSetup::mark() {
  if (auto marked = mark_whole(folder_.path); !marked) return end(fail(std::move(marked.error())));
  is_half_made_ = false;
  lock_.release();
  context_.say("Made " + environment_.shown + " in " + human_duration(os::monotonic_seconds() - begun_));
  activate([this](Activation activation) { end(std::move(activation)); });
}

// ---- activation

void CondaSetup::activate(std::function<void(Activation)> next) {
  const std::string& address = file_ == nullptr ? environment_.address : folder_.path;
  argv_ = context_.program.activate(address);
  SetupCommand::Request request = request_for(activation_program(argv_));
  request.keeps_order = false;
  command_ = std::make_unique<SetupCommand>(
      context_.loop, request, [this, next = std::move(next)](const SetupCommand::Answer& answer) {
        const std::string what = "cannot activate " + environment_.shown;
        if (!answer.ok())
          return end(fail(failure(what, argv_, answer.err.empty() ? answer.out : answer.err)));
        auto activation = read_activation(answer.out);
        if (!activation) return end(fail(failure(what, argv_, activation.error().message)));
        next(std::move(*activation));
      });
}

// ---- commands

void CondaSetup::run(std::vector<std::string> argv, Next next) {
  if (context_.contain) {
    // Conda's own settings are those of the image, and its folder of packages may not be writable.
    const std::string packages = "CONDA_PKGS_DIRS=/tmp/conda/" + os::new_run_id();
    argv.insert(argv.begin(), {"env", "CONDA_CHANNEL_PRIORITY=strict", packages});
  }
  const SetupCommand::Request request = request_for(std::move(argv));
  argv_ = request.argv;
  command_ = std::make_unique<SetupCommand>(context_.loop, request, std::move(next));
}

SetupCommand::Request CondaSetup::request_for(std::vector<std::string> argv) const {
  SetupCommand::Request request;
  request.argv = context_.contain ? context_.contain(std::move(argv)) : std::move(argv);
  request.environment = own_environment(context_.settings.blocks_search_paths);
  request.slot = context_.slot;
  request.keeps_order = true;
  return request;
}

void CondaSetup::end(Result<Activation> result) {
  if (std::exchange(is_half_made_, false)) (void)remove_conda_folder(folder_.path);
  lock_.release();
  const Done done = std::move(done_);
  // From the loop, since DONE may destroy the command whose end is being handled.
  timer_ = context_.loop.after(0, [done, result = std::move(result)] { done(result); });
}

Error CondaSetup::failure(const std::string& what, const std::vector<std::string>& argv,
                          const std::string& printed) {
  const std::string name = folder_.path.substr(folder_.path.rfind('/') + 1);
  Error error = command_failure(what, argv, printed, context_.settings.log_folder + "/" + name + ".log");
  if (file_ != nullptr) error.file = file_->path;
  return error;
}

}  // namespace furrow::deploy
