#include "store/engines.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <utility>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/write_all.hpp"

namespace furrow::store {

namespace {

constexpr long kPollNs = 2'000'000;
constexpr double kWaitForTurn_s = 60;
constexpr const char* kFolder = "/engines";
constexpr std::string_view kLock = ".lock", kJournal = ".journal", kEnded = ".ended";

bool ends_with(const std::string& name, std::string_view suffix, std::string& stem) {
  if (!name.ends_with(suffix)) return false;
  stem = name.substr(0, name.size() - suffix.size());
  return true;
}

// Also the files that stand for it without flock.
void remove_lock(const std::string& path) {
  if (const auto entries = os::list_directory(os::parent_of(path))) {
    const std::string name = path.substr(path.rfind('/') + 1) + ".";
    for (const os::DirectoryEntry& entry : *entries) {
      if (entry.name.starts_with(name)) ::unlink((os::parent_of(path) + "/" + entry.name).c_str());
    }
  }
  ::unlink(path.c_str());
}

}  // namespace

// While it lives, no other engine looks at the folder or changes it. It has a number that only grows.
class Engines::Turn {
 public:
  static Result<std::unique_ptr<Turn>> take(const std::string& folder) {
    std::unique_ptr<Turn> turn(new Turn);
    const std::string path = folder + "/turn";
    const double deadline = os::monotonic_seconds() + kWaitForTurn_s;
    const auto text = [] {
      RunMark mark = RunMark::of_this_process({});
      mark.add_guard(0);
      return mark.text();
    };
    const auto may_hold = [](const std::string& said) { return RunMark::from(said).may_hold(); };
    for (;;) {
      turn->hold_ = FURROW_TRY(Hold::attempt(path, text, may_hold));
      if (turn->hold_.is_taken()) break;
      if (os::monotonic_seconds() > deadline)
        return fail(Error{"another furrow run holds " + path + " and does not go on", "", 0,
                          "Is it suspended? If it was killed on another host, run \"furrow run --unlock\"."});
      const timespec pause{0, kPollNs};
      ::nanosleep(&pause, nullptr);
    }
    turn->number_fd_ = ::open((folder + "/number").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (turn->number_fd_ < 0) return fail(system_error("cannot write " + folder + "/number"));
    char digits[24] = "";
    const ssize_t n = ::pread(turn->number_fd_, digits, sizeof digits - 1, 0);
    std::from_chars(digits, digits + std::max<ssize_t>(n, 0), turn->number_);
    return turn;
  }
  ~Turn() {
    if (number_fd_ >= 0) ::close(number_fd_);
    if (!hold_.has_flock()) Hold::write(hold_.fd(), "");
  }
  std::int64_t next() {
    ++number_;
    const std::string text = std::to_string(number_) + "\n";
    (void)!::pwrite(number_fd_, text.data(), text.size(), 0);
    return number_;
  }

 private:
  Turn() = default;
  Hold hold_;
  int number_fd_ = -1;
  std::int64_t number_ = 0;
};

Engines::Engines(std::string folder, std::string run, double wait_s)
    : folder_(std::move(folder) + kFolder), run_(std::move(run)), wait_s_(wait_s) {}

Engines::~Engines() { sign_off(); }

Result<std::unique_ptr<Engines>> Engines::join(const std::string& folder, const std::string& run,
                                               double wait_s) {
  std::unique_ptr<Engines> engines(new Engines(folder, run, wait_s));
  FURROW_TRY(os::make_directories(engines->folder_));
  const auto turn = FURROW_TRY(Turn::take(engines->folder_));
  FURROW_TRY(engines->look_around(*turn));
  engines->lock_ = FURROW_TRY(FolderLock::take(engines->path_of(run, ".lock"), 0));
  engines->joined_ = engines->serial_ = turn->next();
  engines->past_.clear();
  return engines;
}

// Finds out who is alive. Who is dead has left its jobs, which are ended here, and its files.
Result<void> Engines::look_around(Turn& turn) {
  others_.clear();
  past_.clear();
  std::vector<std::string> dead, ended;
  std::string stem;
  for (const os::DirectoryEntry& entry : FURROW_TRY(os::list_directory(folder_))) {
    if (ends_with(entry.name, kLock, stem) && stem != run_) {
      FURROW_TRY(look_at(stem, dead));
    }
    if (ends_with(entry.name, kEnded, stem)) ended.push_back(stem);
  }
  has_company_ = !others_.empty();
  for (const std::string& run : dead) {
    // Which jobs it may have begun, whatever has become of its journal.
    (void)!::link(path_of(run, ".files").c_str(), path_of(run, ".dead").c_str());
    end(turn, run);
  }
  for (const std::string& name : ended) {
    std::int64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    const std::string path = path_of(name, kEnded.data());
    if (joined_ == 0 && !has_company_) {
      ::unlink(path.c_str());
    } else if (number > joined_) {
      past_.push_back(path);
    }
  }
  return {};
}

Result<void> Engines::look_at(const std::string& run, std::vector<std::string>& dead) {
  const std::string path = path_of(run, kLock.data());
  RunMark holder;
  auto taken = FolderLock::take_unless_alive(path, wait_s_, holder);
  if (!taken && holder.pid == 0) return fail(std::move(taken.error()));
  if (!taken || !*taken) {  // alive, or its jobs are
    others_.push_back({run, holder});
    return {};
  }
  FolderLock::jobs_are_ended(os::parent_of(folder_) + "/lock", run);
  const auto& ended = (*taken)->ended();
  ended_.insert(ended_.end(), ended.begin(), ended.end());
  dead.push_back(run);
  return {};
}

// RUN has left, or is dead.
void Engines::end(Turn& turn, const std::string& run) {
  const std::string files = path_of(run, ".files");
  if (others_.empty() && (joined_ == 0 || run == run_)) {
    ::unlink(files.c_str());
  } else {
    const std::string kept = path_of(std::to_string(turn.next()), kEnded.data());
    if (::rename(files.c_str(), kept.c_str()) == 0) past_.push_back(kept);
  }
  remove_lock(path_of(run, kLock.data()));
  FURROW_LOG(store, info, "the engine {} has left {}", run, folder_);
}

Result<Locking> Engines::add(const FilesToLock& files, const std::vector<OuterJob>& outer) {
  const auto turn = FURROW_TRY(Turn::take(folder_));
  FURROW_TRY(look_around(*turn));
  for (const Other& other : others_) {
    const auto job =
        std::find_if(outer.begin(), outer.end(), [&](const OuterJob& o) { return o.run == other.run; });
    const auto clash =
        FileLocks::read(path_of(other.run, ".files")).clash(files, job == outer.end() ? nullptr : &*job);
    if (!clash) continue;
    if (clash->empty()) return fail(FolderLock::held_by(other.mark, path_of(other.run, kLock.data())));
    Error error = FolderLock::held_by(other.mark, path_of(other.run, kLock.data()));
    return fail(Error{*clash + " is in use by another furrow run (" + other.mark.who() + ")", "", 0,
                      "Wait for it to end, or make files that have nothing to do with its own." +
                          (other.mark.is_of_this_host() ? std::string() : " " + error.hint)});
  }
  for (const std::string& path : past_) {
    if (FileLocks::read(path).clash(files, nullptr)) return Locking::kStale;
  }
  const std::string text = FileLocks::text_of(files, !has_files_);
  const std::string path = path_of(run_, ".files");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool is_written = fd >= 0 && os::write_all(fd, text);
  const Error error = system_error("cannot write " + path);
  if (fd >= 0) ::close(fd);
  if (!is_written) return fail(error);
  has_files_ = true;
  serial_ = turn->next();
  return Locking::kLocked;
}

Result<void> Engines::begin_jobs(int watchdog) { return lock_.begin_jobs(run_, watchdog); }

void Engines::sign_off() {
  if (lock_.fd() < 0) return;
  // Without its turn it is found dead later.
  if (const auto turn = Turn::take(folder_)) {
    others_.clear();
    std::string stem;
    if (const auto entries = os::list_directory(folder_)) {
      for (const os::DirectoryEntry& entry : *entries) {
        if (ends_with(entry.name, kLock, stem) && stem != run_) others_.push_back({stem, {}});
      }
    }
    end(**turn, run_);
  }
  lock_ = FolderLock();
}

bool Engines::has(const std::string& run) const {
  return std::any_of(others_.begin(), others_.end(), [&](const Other& other) { return other.run == run; });
}

Result<bool> Engines::look_for(const RunMark& holder) {
  const auto turn = FURROW_TRY(Turn::take(folder_));
  FURROW_TRY(look_around(*turn));
  return std::any_of(others_.begin(), others_.end(), [&](const Other& other) {
    return other.mark.pid == holder.pid && other.mark.started == holder.started &&
           other.mark.host == holder.host;
  });
}

std::vector<Engines::Journal> Engines::journals(const std::string& folder) {
  std::vector<Journal> journals;
  const std::string place = folder + kFolder;
  const auto entries = os::list_directory(place);
  if (!entries) return journals;
  std::string stem;
  for (const os::DirectoryEntry& entry : *entries) {
    if (!ends_with(entry.name, kJournal, stem)) continue;
    const bool is_of_living = std::any_of(entries->begin(), entries->end(), [&](const auto& other) {
      return other.name == stem + std::string(kLock);
    });
    journals.push_back({place + "/" + entry.name, stem, is_of_living});
  }
  return journals;
}

Result<bool> Engines::forget_jobs(const std::string& folder) {
  bool had_jobs = false;
  const auto entries = os::list_directory(folder + kFolder);
  if (!entries) return false;
  std::string stem;
  for (const os::DirectoryEntry& entry : *entries) {
    const std::string path = folder + kFolder + "/" + entry.name;
    if (entry.name != "turn" && !ends_with(entry.name, kLock, stem)) continue;
    const auto had = FURROW_TRY(FolderLock::forget_jobs(path));
    had_jobs |= had;
  }
  return had_jobs;
}

}  // namespace furrow::store
