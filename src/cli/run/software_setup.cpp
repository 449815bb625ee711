#include "cli/run/software_setup.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <set>
#include <tuple>

#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/software_settings.hpp"
#include "deploy/setup_command.hpp"
#include "os/events/event_loop.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

// None if no rule names an environment.
std::vector<workflow::NodeId> jobs_of(WorkflowSession& session, Which which) {
  std::vector<workflow::NodeId> nodes;
  if (!session.software().any()) return nodes;
  for (const workflow::NodeId node : session.dag().order())
    if (which == Which::kAllJobs || session.staleness().must_run(node)) nodes.push_back(node);
  return nodes;
}

// Those that something must exist for, each once, in the order of the jobs.
std::vector<deploy::Environment> environments_of(WorkflowSession& session, Which which) {
  workflow::SoftwareEnvironments& software = session.software();
  std::vector<deploy::Environment> found;
  const std::vector<workflow::NodeId> nodes = jobs_of(session, which);
  software.ask(nodes);
  std::set<std::tuple<deploy::Environment::Kind, std::string, std::string>> known;
  for (const workflow::NodeId node : nodes) {
    const deploy::Environment& environment = software.of(node);
    if (environment.needs_setup() &&
        known.insert({environment.kind, environment.address, environment.image}).second)
      found.push_back(environment);
  }
  return found;
}

std::vector<deploy::Environment> conda_in(std::vector<deploy::Environment> environments) {
  std::erase_if(environments, [](const deploy::Environment& each) { return !each.is_conda(); });
  return environments;
}

// Each once, in the same order.
std::vector<std::string> images_in(const std::vector<deploy::Environment>& environments) {
  std::vector<std::string> found;
  for (const deploy::Environment& each : environments)
    if (!each.image.empty() && std::find(found.begin(), found.end(), each.image) == found.end())
      found.push_back(each.image);
  return found;
}

// Several environments may lack the same program.
void add_once(Error error, std::vector<Error>& errors) {
  const auto is_same = [&](const Error& each) {
    return std::tie(each.message, each.file, each.detail) ==
           std::tie(error.message, error.file, error.detail);
  };
  if (std::none_of(errors.begin(), errors.end(), is_same)) errors.push_back(std::move(error));
}

void say(const std::string& line) { print_message(stderr, "furrow: " + line); }

// What a name in the folder of environments begins with, if it belongs to one: 8 or 32 digits of a hash.
std::string hash_in(const std::string& name) {
  const std::string stem = name.substr(0, name.find_first_of("._"));
  const bool is_hash =
      (stem.size() == 8 || stem.size() == 32) &&
      std::all_of(stem.begin(), stem.end(), [](unsigned char c) { return std::isxdigit(c); });
  return is_hash ? stem.substr(0, 8) : "";
}

}  // namespace

std::vector<std::string> rules_without_answer(WorkflowSession& session, Which which) {
  std::vector<std::string> texts;
  std::set<workflow::RuleId> known;
  for (const workflow::NodeId node : jobs_of(session, which)) {
    const Error* const error = session.software().error(node);
    const workflow::RuleId rule = session.dag().node(node).rule;
    if (error != nullptr && known.insert(rule).second)
      texts.push_back("what rule " + session.rules()[rule].rule.name +
                      " needs is not known yet: " + error->message);
  }
  return texts;
}

std::vector<deploy::Environment> conda_environments(WorkflowSession& session) {
  return conda_in(environments_of(session, Which::kAllJobs));
}

SetupOutcome set_up_software(WorkflowSession& session, Which which) {
  SetupOutcome outcome;
  const std::vector<deploy::Environment> wanted = environments_of(session, which);
  if (wanted.empty()) return outcome;
  os::EventLoop loop;
  const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}),
                                [&](int signal) { outcome.signal = signal; });
  deploy::Environments& environments = session.software().environments();
  const bool is_quiet = session.options().quiet_all;
  environments.attach(loop, session.watchdog(), [is_quiet](const std::string& line) {
    if (!is_quiet) say(line);
  });
  for (const deploy::Environment& each : wanted) {
    environments.set_up(each, [&outcome](Result<void> done) {
      if (!done) add_once(std::move(done.error()), outcome.errors);
    });
  }
  while (environments.in_progress() > 0 && outcome.signal == 0) loop.run_once(-1);
  environments.detach();
  return outcome;
}

Result<std::string> software_to_be_made(WorkflowSession& session) {
  std::string text;
  const std::vector<deploy::Environment> wanted = environments_of(session, Which::kDueJobs);
  for (const std::string& image : images_in(wanted)) {
    const auto place = session.software().environments().place_of_image(image);
    if (!place) text += "    container " + image + ": " + place.error().message + "\n";
    if (!place || place->is_made) continue;
    const std::string path = deploy::shown_path(place->path);
    text += "    container " + image + (path == image ? "" : " in " + path) + "\n";
  }
  for (const deploy::Environment& each : conda_in(wanted)) {
    const auto place = session.software().environments().place(each);
    if (!place) return fail(place.error());
    if (!place->is_made) text += "    " + each.shown + " in " + deploy::shown_path(place->path) + "\n";
  }
  for (const std::string& each : rules_without_answer(session, Which::kDueJobs)) text += "    " + each + "\n";
  return text.empty() ? text : "Would be made first:\n" + text;
}

int make_environments_only(WorkflowSession& session) {
  const SetupOutcome outcome = set_up_software(session, Which::kAllJobs);
  if (outcome.signal != 0) return report_error(Error{"interrupted"});
  for (const Error& error : outcome.errors) report_error(error);
  return outcome.errors.empty() ? 0 : 1;
}

int list_environments(WorkflowSession& session) {
  std::string text = "environment\tcontainer\tlocation\n";
  int code = 0;
  for (const deploy::Environment& each : conda_environments(session)) {
    const auto place = session.software().environments().place(each);
    if (!place) code = report_error(place.error());
    if (place)
      text += deploy::shown_path(each.address) + "\t" + each.image + "\t" + deploy::shown_path(place->path) +
              "\n";
  }
  print_message(stdout, text.substr(0, text.size() - 1));
  return code;
}

int remove_unused_environments(WorkflowSession& session) {
  std::set<std::string> used;
  for (const deploy::Environment& each : conda_environments(session)) {
    const auto place = session.software().environments().place(each);
    if (!place) return report_error(place.error());  // it is not known which one is used
    used.insert(hash_in(place->path.substr(place->path.rfind('/') + 1)));
  }
  const std::string folder = conda_prefix(session.options());
  std::vector<os::DirectoryEntry> entries;
  if (auto listed = os::list_directory(folder)) entries = std::move(*listed);  // else there is none yet
  std::size_t removed = 0;
  for (const os::DirectoryEntry& entry : entries) {
    const std::string hash = hash_in(entry.name);
    if (hash.empty() || used.contains(hash)) continue;
    if (auto done = os::remove_tree(folder + "/" + entry.name); !done) return report_error(done.error());
    removed += entry.is_directory;
  }
  print_message(stderr, "furrow: " + count_of(removed, "environment") + " removed from " + folder);
  return 0;
}

int remove_unused_images(WorkflowSession& session) {
  std::set<std::string> used;
  for (const std::string& image : images_in(environments_of(session, Which::kAllJobs))) {
    if (auto place = session.software().environments().place_of_image(image)) used.insert(place->path);
    used.insert(image);
  }
  const std::string folder = container_prefix(session.options());
  std::vector<os::DirectoryEntry> entries;
  if (auto listed = os::list_directory(folder)) entries = std::move(*listed);  // else there is none yet
  std::size_t removed = 0;
  for (const os::DirectoryEntry& entry : entries) {
    const std::string path = folder + "/" + entry.name;
    if (hash_in(entry.name).empty() || used.contains(path)) continue;
    const bool is_image = entry.name.ends_with(".simg") || entry.name.ends_with(".sif") ||
                          entry.name.ends_with(".charliecloud");
    if (!is_image) continue;
    if (auto done = os::remove_tree(path); !done) return report_error(done.error());
    ++removed;
  }
  print_message(stderr, "furrow: " + count_of(removed, "image") + " removed from " + folder);
  return 0;
}

}  // namespace furrow::cli
