#include "snakefile/evaluator_process.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "os/process.hpp"
#include "snakefile/frame_channel.hpp"
#include "snakefile/python.hpp"
#include "snakefile/yaml_json.hpp"

extern char** environ;

namespace furrow::snakefile {

namespace {

constexpr int kPollMs = 100;            // how often a blocking call looks whether it should stop
constexpr int kGraceMs = 200;           // for the process to leave once its socket has closed
constexpr int kSelfEndMs = 2000;        // for its status, once it has closed the socket itself
constexpr int kKilledStatus = SIGKILL;  // what wait() says of a child that was killed

// An answer, with the text it points into.
struct Answer {
  JsonDocument document;
  const JsonValue* value;
};
using AnswerCallback = std::function<void(Result<Answer>)>;

struct Pending {
  std::uint64_t id;
  std::string about;  // what the evaluator does meanwhile: "evaluating rule a"
  bool blocking;      // its callback may run inside any call
  AnswerCallback done;
  std::optional<std::uint64_t> fork_tag{};
};

bool wait_readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) > 0;
}

std::string how_it_ended(int raw_status) {
  if (const int number = os::exit_signal(raw_status)) {
    return "was ended by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
  }
  return "ended with exit status " + std::to_string(os::exit_code(raw_status));
}

}  // namespace

struct EvaluatorProcess::State {
  EvaluatorOptions options;
  std::string python;
  os::Child child;
  std::unique_ptr<FrameChannel> channel;
  std::optional<Error> dead;
  bool has_spoken = false;  // a frame has come
  bool has_ended = false;   // the process; what it said before may still lie in the socket

  std::uint64_t last_id = 0;
  std::deque<Pending> pending;     // in the order in which they are answered
  std::set<std::uint64_t> forked;  // tags of children that are there and have not ended
  plan::ForkService::Listener* listener = nullptr;
  std::vector<std::string> rule_names;

  os::EventLoop* loop = nullptr;
  bool watches_for_space = false;
  std::deque<std::function<void()>> deferred;  // callbacks that wait for the loop
  std::uint64_t deferred_timer = 0;

  ~State();
  Result<void> spawn(const std::string& main_file);

  Result<LoadAnswer> load(std::uint64_t id, const std::string& message, const std::string& about);
  void request(Pending question, std::string message, std::span<const int> descriptors = {});
  Result<Answer> ask(std::uint64_t id, std::string message, std::string about, bool may_stop = true);
  void wait_for_socket(bool may_stop);
  void exchange();
  void handle(std::string text);
  void handle_answer(JsonDocument document, const Frame& frame);
  void handle_exit(const Frame& frame);
  std::string answer_to(const Frame& frame, const JsonValue& question);

  void deliver(std::function<void()> callback);
  void deliver_deferred();
  void update_watch();
  void watch();
  void forget();

  void die(Error reason);
  void die_of_closed_socket();
  Error ended_error(int raw_status) const;
  std::string about_rules(std::string_view doing, const std::set<std::uint32_t>& rules) const;
};

// Start and end.

Result<void> EvaluatorProcess::State::spawn(const std::string& main_file) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(system_error("cannot make a socket pair"));
  channel = std::make_unique<FrameChannel>(ends[0]);
  std::vector<std::string> words = {python, main_file, "--fd", std::to_string(ends[1])};
  std::vector<int> inherited = {ends[1]};
  if (options.guard_fd >= 0) {
    words.insert(words.end(), {"--guard-fd", std::to_string(options.guard_fd)});
    inherited.push_back(options.guard_fd);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  os::SpawnRequest request;
  request.path = python.c_str();
  request.argv = argv.data();
  request.envp = environ;
  request.inherited = inherited;
  // A group of its own: Ctrl-C is the engine's to handle.
  const auto started = os::Spawner().spawn(request);
  ::close(ends[1]);
  if (started) {
    child = *started;
    return {};
  }
  return fail(Error{"cannot start " + python + ": " + std::strerror(started.error().code), "", 0,
                    "Name another Python with --python or FURROW_PYTHON."});
}

EvaluatorProcess::State::~State() {
  if (loop) forget();
  if (loop && deferred_timer != 0) loop->cancel(deferred_timer);
  channel.reset();
  if (child.pid < 0) return;
  // Amid a question it would not notice.
  if (!pending.empty() || !wait_readable(child.pidfd, kGraceMs)) ::kill(child.pid, SIGKILL);
  os::wait_for(child.pid);
  ::close(child.pidfd);
}

// The one way to the state "dead": everybody who waits is told.
void EvaluatorProcess::State::die(Error reason) {
  if (dead) return;
  dead = reason;
  if (loop) forget();
  ::kill(child.pid, SIGKILL);
  os::wait_for(child.pid);
  ::close(child.pidfd);
  child = {};
  std::deque<Pending> open;
  open.swap(pending);
  for (Pending& question : open) {
    if (question.blocking) {
      question.done(fail(reason));
    } else {
      deliver([done = std::move(question.done), reason] { done(fail(reason)); });
    }
  }
  for (const std::uint64_t tag : forked) {
    deliver([this, tag, reason] {
      if (listener) listener->on_fork_exit(tag, kKilledStatus, reason.message);
    });
  }
  forked.clear();
}

void EvaluatorProcess::State::die_of_closed_socket() {
  if (!wait_readable(child.pidfd, kSelfEndMs))
    return die(Error{"the evaluator (" + python + ") has closed its socket"});
  const auto status = os::peek_status(child.pid);
  die(ended_error(status.value_or(0)));
}

Error EvaluatorProcess::State::ended_error(int raw_status) const {
  Error error{"the evaluator (" + python + ") " + how_it_ended(raw_status)};
  if (!pending.empty()) error.message += " while it was " + pending.front().about;
  if (!has_spoken && os::exit_signal(raw_status) == 0) {
    error.hint = "Furrow needs Python 3.9 or newer; name another with --python or FURROW_PYTHON.";
  } else if (os::exit_signal(raw_status) != 0) {
    error.hint =
        "Something that the Snakefile uses has crashed or was killed; an extension module may be broken, or "
        "memory was short.";
  } else {
    error.hint = "Something that the Snakefile uses has ended Python itself (os._exit?).";
  }
  return error;
}

// Talking.

void EvaluatorProcess::State::request(Pending question, std::string message,
                                      std::span<const int> descriptors) {
  Result<void> sent;
  if (dead) {
    sent = fail(*dead);
  } else {
    sent = channel->send(std::move(message), descriptors);
  }
  if (sent) {
    pending.push_back(std::move(question));
    update_watch();
  } else if (question.blocking) {
    question.done(fail(sent.error()));
  } else {
    deliver([done = std::move(question.done), error = sent.error()] { done(fail(error)); });
  }
}

Result<Answer> EvaluatorProcess::State::ask(std::uint64_t id, std::string message, std::string about,
                                            bool may_stop) {
  std::optional<Result<Answer>> answer;
  const auto keep = [&](Result<Answer> result) { answer = std::move(result); };
  request({id, std::move(about), true, keep}, std::move(message));
  while (!answer) {
    wait_for_socket(may_stop);
    if (!answer) exchange();
  }
  return std::move(*answer);
}

// Returns once there is something to do; a request to stop ends the evaluator, and with it all that waits.
void EvaluatorProcess::State::wait_for_socket(bool may_stop) {
  const auto stop = [&] { die(Error{"interrupted"}); };
  if (may_stop && options.stopping && options.stopping()) return stop();
  const auto interest = static_cast<short>(POLLIN | (channel->wants_to_send() ? POLLOUT : 0));
  // poll() skips descriptors below zero.
  pollfd entries[3] = {{channel->fd(), interest, 0}, {child.pidfd, POLLIN, 0}, {options.stop_fd, POLLIN, 0}};
  // A signal may come between the question above and poll().
  if (::poll(entries, 3, options.stopping ? kPollMs : -1) < 0) return;
  has_ended |= (entries[1].revents & POLLIN) != 0;
  if ((entries[2].revents & POLLIN) != 0 && (!options.stopping || options.stopping())) stop();
}

void EvaluatorProcess::State::exchange() {
  if (dead) return;
  channel->flush();
  const auto received = channel->receive();
  while (!dead) {
    std::optional<std::string> frame = channel->next();
    if (!frame) break;
    has_spoken = true;
    handle(std::move(*frame));
  }
  if (dead) return;
  if (!received) return die(received.error());
  if (has_ended || *received == FrameChannel::State::kClosed) return die_of_closed_socket();
  update_watch();
}

void EvaluatorProcess::State::handle(std::string text) {
  auto document = JsonDocument::parse(std::move(text), "the evaluator's answer");
  if (!document) return die(document.error());
  const auto frame = decode_frame(document->root());
  if (!frame) return die(frame.error());
  switch (frame->kind) {
    case Frame::Kind::kAnswer:
      return handle_answer(std::move(*document), *frame);
    case Frame::Kind::kExit:
      return handle_exit(*frame);
    case Frame::Kind::kAsk:
      (void)channel->send(answer_to(*frame, document->root()));
  }
}

void EvaluatorProcess::State::handle_answer(JsonDocument document, const Frame& frame) {
  if (pending.empty() || pending.front().id != frame.id)
    return die(Error{"the evaluator answers what was not asked"});
  Pending question = std::move(pending.front());
  pending.pop_front();
  Result<Answer> answer;
  if (frame.error) {
    answer = fail(decode_error(*frame.error));
  } else {
    answer = Answer{std::move(document), frame.ok};
    if (question.fork_tag) forked.insert(*question.fork_tag);
  }
  if (question.blocking) return question.done(std::move(answer));
  // A std::function must be copyable, an answer is not.
  deliver([done = std::move(question.done), held = std::make_shared<Result<Answer>>(std::move(answer))] {
    done(std::move(*held));
  });
}

void EvaluatorProcess::State::handle_exit(const Frame& frame) {
  if (forked.erase(frame.id) == 0) return die(Error{"the evaluator tells of a child that is not there"});
  std::string error = frame.error ? decode_error(*frame.error).to_string() : std::string();
  deliver([this, tag = frame.id, status = frame.status, error = std::move(error)] {
    if (listener) listener->on_fork_exit(tag, status, error);
  });
}

std::string EvaluatorProcess::State::answer_to(const Frame& frame, const JsonValue& question) {
  if (frame.what == "glob") {
    const auto glob = decode_glob(question);
    if (!glob) return encode_answer(frame.id, glob.error());
    if (!options.glob) return encode_answer(frame.id, Error{"nobody answers glob_wildcards here"});
    const auto found = options.glob(*glob);
    return found ? encode_answer(frame.id, *found) : encode_answer(frame.id, found.error());
  }
  if (frame.what == "yaml") {
    const auto path = decode_yaml(question);
    if (!path) return encode_answer(frame.id, path.error());
    const auto json = yaml_file_to_json(*path, Keys::kPairs);
    return json ? encode_answer(frame.id, std::string_view(*json)) : encode_answer(frame.id, json.error());
  }
  return encode_answer(frame.id,
                       Error{"the engine does not know the question \"" + std::string(frame.what) + "\""});
}

// The event loop.

// Callbacks run from the loop only, in the order in which their causes came; at once where there is no loop.
void EvaluatorProcess::State::deliver(std::function<void()> callback) {
  if (!loop) return callback();
  deferred.push_back(std::move(callback));
  if (deferred_timer == 0) deferred_timer = loop->after(0, [this] { deliver_deferred(); });
}

void EvaluatorProcess::State::deliver_deferred() {
  deferred_timer = 0;
  while (!deferred.empty()) {
    const std::function<void()> callback = std::move(deferred.front());
    deferred.pop_front();
    callback();
  }
}

void EvaluatorProcess::State::update_watch() {
  if (!loop || dead || channel->wants_to_send() == watches_for_space) return;
  watches_for_space = !watches_for_space;
  loop->change(channel->fd(), watches_for_space ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

// A child of the user's code may hold the socket open, so the end of the process is watched as well.
void EvaluatorProcess::State::watch() {
  watches_for_space = channel->wants_to_send();
  loop->watch(channel->fd(), watches_for_space ? EPOLLIN | EPOLLOUT : EPOLLIN,
              [this](std::uint32_t) { exchange(); });
  loop->watch(child.pidfd, EPOLLIN, [this](std::uint32_t) {
    has_ended = true;
    exchange();
  });
}

void EvaluatorProcess::State::forget() {
  if (channel) loop->forget(channel->fd());
  if (child.pidfd >= 0) loop->forget(child.pidfd);
}

// What the evaluator is doing, for errors.
std::string EvaluatorProcess::State::about_rules(std::string_view doing,
                                                 const std::set<std::uint32_t>& rules) const {
  std::string text(doing);
  std::size_t named = 0;
  for (const std::uint32_t rule : rules) {
    if (rule >= rule_names.size()) continue;
    if (++named > 3) return text + ", ...";
    text += (named == 1 ? (rules.size() == 1 ? " rule " : " rules ") : ", ") + rule_names[rule];
  }
  return text;
}

EvaluatorProcess::EvaluatorProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
EvaluatorProcess::~EvaluatorProcess() = default;

Result<std::unique_ptr<EvaluatorProcess>> EvaluatorProcess::start(EvaluatorOptions options) {
  auto python = find_python(options.python);
  if (!python) return fail(python.error());
  const auto main_file = find_evaluator(options.evaluator);
  if (!main_file) return fail(main_file.error());
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->python = std::move(*python);
  if (auto spawned = state->spawn(*main_file); !spawned) return fail(spawned.error());
  return std::unique_ptr<EvaluatorProcess>(new EvaluatorProcess(std::move(state)));
}

void EvaluatorProcess::attach(os::EventLoop& loop) {
  state_->loop = &loop;
  if (!state_->dead) state_->watch();
}

void EvaluatorProcess::detach() {
  if (!state_->loop) return;
  state_->forget();
  if (state_->deferred_timer != 0) state_->loop->cancel(state_->deferred_timer);
  state_->deferred_timer = 0;
  state_->loop = nullptr;
}

Result<LoadAnswer> EvaluatorProcess::load(const LoadRequest& request) {
  const std::uint64_t id = ++state_->last_id;
  return state_->load(id, encode_load(id, request), "running " + request.snakefile);
}

std::string EvaluatorProcess::first_message(const LoadRequest& request) { return encode_load(1, request); }

Result<LoadAnswer> EvaluatorProcess::load_again(const std::string& message) {
  return state_->load(++state_->last_id, message, "running the Snakefile");
}

Result<LoadAnswer> EvaluatorProcess::State::load(std::uint64_t id, const std::string& message,
                                                 const std::string& about) {
  const auto answer = ask(id, message, about);
  if (!answer) return fail(answer.error());
  auto decoded = decode_load(*answer->value);
  if (!decoded) return decoded;
  for (const workflow::Rule& rule : decoded->snakefile.rules) rule_names.push_back(rule.name);
  return decoded;
}

namespace {

std::set<std::uint32_t> rules_of(std::span<const workflow::JobView> jobs) {
  std::set<std::uint32_t> rules;
  for (const auto& job : jobs) rules.insert(job.rule);
  return rules;
}

}  // namespace

std::vector<workflow::InputAnswer> EvaluatorProcess::inputs(std::span<const workflow::InputQuestion> jobs) {
  const std::uint64_t id = ++state_->last_id;
  std::set<std::uint32_t> rules;
  for (const auto& job : jobs) rules.insert(job.rule);
  const auto answer =
      state_->ask(id, encode_inputs(id, jobs), state_->about_rules("asking input functions of", rules));
  if (!answer) return std::vector<workflow::InputAnswer>(jobs.size(), fail(answer.error()));
  return decode_inputs(*answer->value, jobs.size());
}

std::vector<Result<workflow::DetailAnswer>> EvaluatorProcess::details(
    std::span<const workflow::DetailQuestion> jobs) {
  const std::uint64_t id = ++state_->last_id;
  std::set<std::uint32_t> rules;
  for (const auto& question : jobs) rules.insert(question.job.rule);
  const auto answer =
      state_->ask(id, encode_details(id, jobs), state_->about_rules("asking functions of", rules));
  if (!answer) return std::vector<Result<workflow::DetailAnswer>>(jobs.size(), fail(answer.error()));
  return decode_details(*answer->value, jobs);
}

std::vector<Result<workflow::Preparation>> EvaluatorProcess::describe(
    std::span<const workflow::JobView> jobs) {
  const std::uint64_t id = ++state_->last_id;
  const std::string about = state_->about_rules("preparing", rules_of(jobs));
  const auto answer = state_->ask(id, encode_jobs(id, "describe", jobs), about);
  if (!answer) return std::vector<Result<workflow::Preparation>>(jobs.size(), fail(answer.error()));
  return decode_preparations(*answer->value, jobs);
}

void EvaluatorProcess::prepare(std::span<const workflow::JobView> jobs, workflow::PrepareCallback done) {
  const std::uint64_t id = ++state_->last_id;
  std::string message = encode_jobs(id, "prepare", jobs);
  std::string about = state_->about_rules("preparing", rules_of(jobs));
  // The payload of a forked job is made from what was asked, so that is kept.
  std::vector<workflow::JobView> kept(jobs.begin(), jobs.end());
  auto callback = [kept = std::move(kept), done = std::move(done)](Result<Answer> answer) {
    if (answer) return done(decode_preparations(*answer->value, kept));
    done(std::vector<Result<workflow::Preparation>>(kept.size(), fail(answer.error())));
  };
  if (state_->loop) {
    state_->request({id, std::move(about), false, std::move(callback)}, std::move(message));
  } else {
    callback(state_->ask(id, std::move(message), std::move(about)));
  }
}

std::vector<Result<workflow::SubmissionWords>> EvaluatorProcess::submission(
    std::span<const workflow::JobView> jobs, const std::string& text) {
  const std::uint64_t id = ++state_->last_id;
  const std::string about = state_->about_rules("preparing the submission of", rules_of(jobs));
  const auto answer = state_->ask(id, encode_jobs(id, "submission", jobs, text), about);
  if (!answer) return std::vector<Result<workflow::SubmissionWords>>(jobs.size(), fail(answer.error()));
  return decode_submissions(*answer->value, jobs.size());
}

Result<void> EvaluatorProcess::hook(const std::string& name, const std::string& log_path) {
  const std::uint64_t id = ++state_->last_id;
  // A hook may be what follows a request to stop; only a new one ends it.
  const auto answer = state_->ask(id, encode_hook(id, name, log_path), "running " + name, false);
  if (!answer) return fail(answer.error());
  return {};
}

void EvaluatorProcess::set_fork_listener(Listener* listener) { state_->listener = listener; }

void EvaluatorProcess::fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload,
                                  int out_fd, int err_fd) {
  State* const state = state_.get();
  const std::uint64_t id = ++state->last_id;
  const auto answered = [state, tag](Result<Answer> answer) {
    Result<int> pid = fail("the evaluator's answer makes no sense: \"pid\" must be a number");
    if (!answer) {
      pid = fail(answer.error());
    } else if (const JsonValue* value = member(*answer->value, "pid"); value && value->IsInt()) {
      pid = value->GetInt();
    }
    if (state->listener) state->listener->on_forked(tag, std::move(pid));
  };
  const int descriptors[2] = {out_fd, err_fd};
  state->request({id, "forking a child for a run block", false, answered, tag},
                 encode_fork(id, tag, slot, payload), descriptors);
}

int EvaluatorProcess::pid() const { return state_->child.pid; }
const std::string& EvaluatorProcess::python() const { return state_->python; }

}  // namespace furrow::snakefile
