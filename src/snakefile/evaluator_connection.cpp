#include "snakefile/evaluator_connection.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <csignal>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "snakefile/engine_answers.hpp"

namespace furrow::snakefile {

using text::member;

namespace {

constexpr int kPollMs = 100;            // how often a blocking call checks whether to stop
constexpr int kGraceMs = 200;           // how long the process may take to end once its socket is closed
constexpr int kSelfEndMs = 2000;        // how long to wait for its status if it closed the socket itself
constexpr int kKilledStatus = SIGKILL;  // the wait() status of a killed child

Result<int> pid_in(const Result<Answer>& answer) {
  if (!answer) return fail(answer.error());
  const text::JsonValue* const pid = member(*answer->value, "pid");
  if (pid && pid->IsInt()) return pid->GetInt();
  return fail("the evaluator's answer is malformed: \"pid\" must be a number");
}

}  // namespace

EvaluatorConnection::EvaluatorConnection(std::unique_ptr<Interpreter> interpreter, int socket,
                                         EvaluatorOptions options)
    : options_(std::move(options)),
      interpreter_(std::move(interpreter)),
      channel_(std::make_unique<FrameChannel>(socket)) {}

void EvaluatorConnection::close() {
  detach();
  channel_.reset();
  if (!over_) over_ = Error{"the evaluator has been told to end"};
}

EvaluatorConnection::~EvaluatorConnection() {
  close();
  // If it is answering a request, it would not notice the closed socket.
  if (interpreter_->pid() >= 0 && pending_.empty()) interpreter_->exits_within(kGraceMs);
}

// Asking.

void EvaluatorConnection::request(Request request, AnswerCallback done) {
  send({request.id, std::move(request.about), false, std::move(done)}, std::move(request.message));
}

void EvaluatorConnection::fork(Request request, std::uint64_t tag, std::span<const int> descriptors) {
  const auto answered = [this, tag](Result<Answer> answer) { report_fork(tag, answer); };
  send({request.id, std::move(request.about), false, answered, tag}, std::move(request.message), descriptors);
}

Result<Answer> EvaluatorConnection::ask(Request request, bool may_stop) {
  std::optional<Result<Answer>> answer;
  const auto keep = [&](Result<Answer> result) { answer = std::move(result); };
  send({request.id, std::move(request.about), true, keep}, std::move(request.message));
  while (!answer) {
    wait_for_socket(may_stop);
    if (!answer) exchange();
  }
  return std::move(*answer);
}

void EvaluatorConnection::send(Pending question, std::string message, std::span<const int> descriptors) {
  if (over_) return settle(std::move(question), fail(*over_));
  if (const auto sent = channel_->send(std::move(message), descriptors); !sent)
    return settle(std::move(question), fail(sent.error()));
  if (logging::is_on(logging::Topic::snakefile, logging::Level::debug))
    question.asked_at = os::monotonic_seconds();
  pending_.push_back(std::move(question));
  update_watch();
}

void EvaluatorConnection::settle(Pending question, Result<Answer> answer) {
  if (question.blocking) return question.done(std::move(answer));
  // A std::function must be copyable, and an answer is not.
  deferred_.add([done = std::move(question.done),
                 held = std::make_shared<Result<Answer>>(std::move(answer))] { done(std::move(*held)); });
}

// Returns once there is something to do. A request to stop ends the connection, and so all pending requests.
void EvaluatorConnection::wait_for_socket(bool may_stop) {
  const auto stop = [&] { end(Error{"interrupted"}); };
  if (may_stop && options_.stopping && options_.stopping()) return stop();
  const auto interest = static_cast<short>(POLLIN | (channel_->wants_to_send() ? POLLOUT : 0));
  // poll() skips descriptors below zero.
  pollfd entries[3] = {
      {channel_->fd(), interest, 0}, {interpreter_->pidfd(), POLLIN, 0}, {options_.stop_fd, POLLIN, 0}};
  // The timeout covers a signal that arrives between the check above and poll().
  if (::poll(entries, 3, options_.stopping ? kPollMs : -1) < 0) return;
  has_ended_ |= (entries[1].revents & POLLIN) != 0;
  if ((entries[2].revents & POLLIN) != 0 && (!options_.stopping || options_.stopping())) stop();
}

// Receiving.

void EvaluatorConnection::exchange() {
  if (over_) return;
  channel_->flush();
  const auto received = channel_->receive();
  while (!over_) {
    std::optional<std::string> frame = channel_->next();
    if (!frame) break;
    has_spoken_ = true;
    handle(std::move(*frame));
  }
  if (over_) return;
  if (!received) return end(received.error());
  if (has_ended_ || *received == FrameChannel::State::kClosed) return end_of_closed_socket();
  update_watch();
}

void EvaluatorConnection::handle(std::string text) {
  auto document = text::JsonDocument::parse(std::move(text), "the evaluator's answer");
  if (!document) return end(document.error());
  const auto frame = decode_frame(document->root());
  if (!frame) return end(frame.error());
  switch (frame->kind) {
    case Frame::Kind::kAnswer:
      return handle_answer(std::move(*document), *frame);
    case Frame::Kind::kExit:
      return handle_exit(*frame);
    case Frame::Kind::kAsk:
      (void)channel_->send(answer_to(*frame, document->root(), options_));
  }
}

void EvaluatorConnection::handle_answer(text::JsonDocument document, const Frame& frame) {
  if (pending_.empty() || pending_.front().id != frame.id)
    return end(Error{"the evaluator answered a request that is not pending"});
  Pending question = std::move(pending_.front());
  pending_.pop_front();
  FURROW_LOG(snakefile, debug, "request {}, {}: {} after {:.6f} s", question.id, question.about,
             frame.error ? "failed" : "answered", os::monotonic_seconds() - question.asked_at);
  if (frame.error) return settle(std::move(question), fail(decode_error(*frame.error)));
  if (question.fork_tag) forked_.insert(*question.fork_tag);
  settle(std::move(question), Answer{std::move(document), frame.ok});
}

void EvaluatorConnection::handle_exit(const Frame& frame) {
  if (forked_.erase(frame.id) == 0) return end(Error{"the evaluator reported the end of an unknown child"});
  report_exit(frame.id, frame.status, frame.error ? decode_error(*frame.error).to_string() : std::string());
}

void EvaluatorConnection::report_fork(std::uint64_t tag, const Result<Answer>& answer) {
  if (listener_) listener_->on_forked(tag, pid_in(answer));
}

void EvaluatorConnection::report_exit(std::uint64_t tag, int status, std::string error) {
  deferred_.add([this, tag, status, error = std::move(error)] {
    if (listener_) listener_->on_fork_exit(tag, status, error);
  });
}

// The event loop.

void EvaluatorConnection::attach(os::EventLoop& loop) {
  loop_ = &loop;
  deferred_.attach(loop);
  if (!over_) watch();
}

void EvaluatorConnection::detach() {
  if (!loop_) return;
  forget();
  deferred_.detach();
  loop_ = nullptr;
}

// A child started by the Snakefile may hold the socket open, so the end of the process is watched as well.
void EvaluatorConnection::watch() {
  watches_for_space_ = channel_->wants_to_send();
  loop_->watch(channel_->fd(), watches_for_space_ ? EPOLLIN | EPOLLOUT : EPOLLIN,
               [this](std::uint32_t) { exchange(); });
  loop_->watch(interpreter_->pidfd(), EPOLLIN, [this](std::uint32_t) {
    has_ended_ = true;
    exchange();
  });
}

void EvaluatorConnection::update_watch() {
  if (!loop_ || over_ || channel_->wants_to_send() == watches_for_space_) return;
  watches_for_space_ = !watches_for_space_;
  loop_->change(channel_->fd(), watches_for_space_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void EvaluatorConnection::forget() {
  loop_->forget(channel_->fd());
  if (interpreter_->pidfd() >= 0) loop_->forget(interpreter_->pidfd());
}

// The end.

// The only way to the state "over". Answers all pending requests and reports all running children.
void EvaluatorConnection::end(Error reason) {
  if (over_) return;
  over_ = reason;
  FURROW_LOG(snakefile, info, "the evaluator is given up, with {} requests open: {}", pending_.size(),
             reason.message);
  if (loop_) forget();
  interpreter_->kill();
  std::deque<Pending> open;
  open.swap(pending_);
  for (Pending& question : open) settle(std::move(question), fail(reason));
  for (const std::uint64_t tag : forked_) report_exit(tag, kKilledStatus, reason.message);
  forked_.clear();
}

void EvaluatorConnection::end_of_closed_socket() {
  if (!interpreter_->exits_within(kSelfEndMs))
    return end(Error{"the evaluator (" + interpreter_->python() + ") has closed its socket"});
  end(interpreter_->ended_error(pending_.empty() ? std::string() : pending_.front().about, has_spoken_));
}

}  // namespace furrow::snakefile
