#include "store/run_mark.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::store {

namespace {

constexpr double kPatience_s = 10;  // for processes that cannot die at once, since they wait for a disk
constexpr double kPatienceIfUnsure_s = 1;  // for processes that may have nothing to do with the run
constexpr useconds_t kRoundUs = 5000;
constexpr std::uint64_t kFirstNamespace = 0xeffffffc;  // of the machine itself, where every process is seen

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name[0] != 0 ? name : "localhost";
}

std::uint64_t own_namespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

// Field 22 of /proc/PID/stat. The fields are counted from the end of the program's name, which may contain
// spaces and parentheses. 0 if there is no such process, or if it has ended and waits for its parent.
std::uint64_t start_of(long pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return 0;
  for (int i = 4; i < 22; ++i) fields >> field;
  std::uint64_t started = 0;
  fields >> started;
  return started;
}

bool is_running(long pid, std::uint64_t started) {
  if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return false;
  return start_of(pid) == started;
}

std::string clock_text(std::time_t when) {
  std::tm local{};
  ::localtime_r(&when, &local);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

enum class Place : std::uint8_t { kHere, kGone, kElsewhere };

Place place_of(const RunMark& mark) {
  if (mark.boot != boot_id()) return mark.host == host_name() ? Place::kGone : Place::kElsewhere;
  const std::uint64_t own = own_namespace();
  return mark.namespace_id == own || own == kFirstNamespace ? Place::kHere : Place::kElsewhere;
}

Error elsewhere(const RunMark& mark, const std::string& how) {
  const bool is_container = mark.boot == boot_id();
  return Error{"the last run here (" + mark.who() + ") was killed" +
                   (is_container ? ", in another container" : "") + ", and its jobs may still run there",
               "", 0,
               "Make sure that none of them runs on " + mark.host +
                   (is_container ? ", in its container" : "") + "; then " + how + "."};
}

Error still_there(const RunMark& mark, const os::Survivors& left, const std::string& how) {
  if (!left.certain.empty())
    return Error{
        "jobs of a run that was killed (" + mark.who() + ") do not end: " + os::names_of(left.certain), "", 0,
        "Wait for them to end, or end them yourself."};
  return Error{"these processes may be jobs of a run that was killed (" + mark.who() +
                   "): " + os::names_of(left.possible),
               "", 0, "End them or wait for them. If they are not jobs of that run, " + how + "."};
}

}  // namespace

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  return file >> id ? id : "-";
}

RunMark RunMark::of_this_process(const std::string& run) {
  RunMark mark;
  mark.pid = ::getpid();
  mark.host = host_name();
  mark.since = std::time(nullptr);
  mark.started = start_of(mark.pid);
  mark.run = run;
  if (!run.empty()) {
    mark.boot = boot_id();
    mark.namespace_id = own_namespace();
    mark.session = ::getsid(0);
  }
  return mark;
}

RunMark RunMark::from(const std::string& text) {
  std::istringstream fields(text);
  RunMark mark;
  if (!(fields >> mark.pid >> mark.host >> mark.since >> mark.started)) return {};
  for (std::string word; fields >> word;) {
    RunMark more;
    if (word == "jobs" && fields >> more.run >> more.boot >> more.namespace_id >> more.session) {
      mark.run = more.run;
      mark.boot = more.boot;
      mark.namespace_id = more.namespace_id;
      mark.session = more.session;
    } else if (word == "guard" && fields >> more.guard >> more.guard_started >> more.guard_boot) {
      mark.guard = more.guard;
      mark.guard_started = more.guard_started;
      mark.guard_boot = more.guard_boot;
    } else {
      break;
    }
  }
  return mark;
}

std::string RunMark::text() const {
  std::ostringstream text;
  text << pid << ' ' << host << ' ' << since << ' ' << started << '\n';
  if (!run.empty()) text << "jobs " << run << ' ' << boot << ' ' << namespace_id << ' ' << session << '\n';
  if (!guard_boot.empty()) text << "guard " << guard << ' ' << guard_started << ' ' << guard_boot << '\n';
  return text.str();
}

bool RunMark::is_alive() const {
  if (host != host_name()) return true;
  return is_running(pid, started);
}

bool RunMark::may_hold() const {
  if (host != host_name()) return true;
  if (!guard_boot.empty() && guard_boot != boot_id()) return false;
  return is_running(pid, started) || (guard > 0 && is_running(guard, guard_started));
}

bool RunMark::is_of_this_host() const { return host == host_name(); }

void RunMark::add_guard(long process) {
  guard = process;
  guard_started = process > 0 ? start_of(process) : 0;
  guard_boot = boot_id();
}

std::string RunMark::who() const {
  return "pid " + std::to_string(pid) + " on " + host + ", since " + clock_text(since);
}

Result<std::vector<os::Survivor>> end_jobs_of(const RunMark& mark, const std::string& how) {
  std::vector<os::Survivor> ended;
  if (mark.run.empty()) return ended;
  const Place place = place_of(mark);
  if (place == Place::kElsewhere) return fail(elsewhere(mark, how));
  if (place == Place::kGone) return ended;
  const auto table = os::JobTable::open(mark.run);
  const os::DeadRun run{mark.run, table.get(), mark.session, mark.started};
  const double begin = os::monotonic_seconds();
  for (;;) {
    const os::Survivors left = os::find_survivors(run);
    if (left.certain.empty() && left.possible.empty()) break;
    if (ended.empty()) ended = left.certain;
    os::kill_all(left.certain);
    const double patience = left.certain.empty() ? kPatienceIfUnsure_s : kPatience_s;
    if (os::monotonic_seconds() > begin + patience) return fail(still_there(mark, left, how));
    ::usleep(kRoundUs);
  }
  os::JobTable::remove(mark.run);
  if (!ended.empty())
    FURROW_LOG(store, info, "ended what a killed run ({}) has left: {}", mark.who(), os::names_of(ended));
  return ended;
}

}  // namespace furrow::store
