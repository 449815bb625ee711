#include "snakefile/dialogue.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <csignal>

#include "snakefile/engine_answers.hpp"

namespace furrow::snakefile {

namespace {

constexpr int kPollMs = 100;            // how often a blocking call looks whether it should stop
constexpr int kGraceMs = 200;           // for the process to leave once its socket has closed
constexpr int kSelfEndMs = 2000;        // for its status, once it has closed the socket itself
constexpr int kKilledStatus = SIGKILL;  // what wait() says of a child that was killed

Result<int> pid_in(const Result<Answer>& answer) {
  if (!answer) return fail(answer.error());
  const JsonValue* const pid = member(*answer->value, "pid");
  if (pid && pid->IsInt()) return pid->GetInt();
  return fail("the evaluator's answer makes no sense: \"pid\" must be a number");
}

}  // namespace

Dialogue::Dialogue(std::unique_ptr<Interpreter> interpreter, int socket, EvaluatorOptions options)
    : options_(std::move(options)),
      interpreter_(std::move(interpreter)),
      channel_(std::make_unique<FrameChannel>(socket)) {}

Dialogue::~Dialogue() {
  detach();
  channel_.reset();
  // Amid a question it would not notice.
  if (interpreter_->pid() >= 0 && pending_.empty()) interpreter_->leaves_within(kGraceMs);
}

// Asking.

void Dialogue::request(Request request, AnswerCallback done) {
  send({request.id, std::move(request.about), false, std::move(done)}, std::move(request.message));
}

void Dialogue::fork(Request request, std::uint64_t tag, std::span<const int> descriptors) {
  const auto answered = [this, tag](Result<Answer> answer) { tell_fork(tag, answer); };
  send({request.id, std::move(request.about), false, answered, tag}, std::move(request.message), descriptors);
}

Result<Answer> Dialogue::ask(Request request, bool may_stop) {
  std::optional<Result<Answer>> answer;
  const auto keep = [&](Result<Answer> result) { answer = std::move(result); };
  send({request.id, std::move(request.about), true, keep}, std::move(request.message));
  while (!answer) {
    wait_for_socket(may_stop);
    if (!answer) exchange();
  }
  return std::move(*answer);
}

void Dialogue::send(Pending question, std::string message, std::span<const int> descriptors) {
  if (over_) return settle(std::move(question), fail(*over_));
  if (const auto sent = channel_->send(std::move(message), descriptors); !sent)
    return settle(std::move(question), fail(sent.error()));
  pending_.push_back(std::move(question));
  update_watch();
}

void Dialogue::settle(Pending question, Result<Answer> answer) {
  if (question.blocking) return question.done(std::move(answer));
  // A std::function must be copyable, an answer is not.
  deferred_.add([done = std::move(question.done),
                 held = std::make_shared<Result<Answer>>(std::move(answer))] { done(std::move(*held)); });
}

// Returns once there is something to do; a request to stop ends the evaluator, and with it all that waits.
void Dialogue::wait_for_socket(bool may_stop) {
  const auto stop = [&] { end(Error{"interrupted"}); };
  if (may_stop && options_.stopping && options_.stopping()) return stop();
  const auto interest = static_cast<short>(POLLIN | (channel_->wants_to_send() ? POLLOUT : 0));
  // poll() skips descriptors below zero.
  pollfd entries[3] = {
      {channel_->fd(), interest, 0}, {interpreter_->pidfd(), POLLIN, 0}, {options_.stop_fd, POLLIN, 0}};
  // A signal may come between the question above and poll().
  if (::poll(entries, 3, options_.stopping ? kPollMs : -1) < 0) return;
  has_ended_ |= (entries[1].revents & POLLIN) != 0;
  if ((entries[2].revents & POLLIN) != 0 && (!options_.stopping || options_.stopping())) stop();
}

// Taking in what comes.

void Dialogue::exchange() {
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

void Dialogue::handle(std::string text) {
  auto document = JsonDocument::parse(std::move(text), "the evaluator's answer");
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

void Dialogue::handle_answer(JsonDocument document, const Frame& frame) {
  if (pending_.empty() || pending_.front().id != frame.id)
    return end(Error{"the evaluator answers what was not asked"});
  Pending question = std::move(pending_.front());
  pending_.pop_front();
  if (frame.error) return settle(std::move(question), fail(decode_error(*frame.error)));
  if (question.fork_tag) forked_.insert(*question.fork_tag);
  settle(std::move(question), Answer{std::move(document), frame.ok});
}

void Dialogue::handle_exit(const Frame& frame) {
  if (forked_.erase(frame.id) == 0) return end(Error{"the evaluator tells of a child that is not there"});
  tell_exit(frame.id, frame.status, frame.error ? decode_error(*frame.error).to_string() : std::string());
}

void Dialogue::tell_fork(std::uint64_t tag, const Result<Answer>& answer) {
  if (listener_) listener_->on_forked(tag, pid_in(answer));
}

void Dialogue::tell_exit(std::uint64_t tag, int status, std::string error) {
  deferred_.add([this, tag, status, error = std::move(error)] {
    if (listener_) listener_->on_fork_exit(tag, status, error);
  });
}

// The event loop.

void Dialogue::attach(os::EventLoop& loop) {
  loop_ = &loop;
  deferred_.attach(loop);
  if (!over_) watch();
}

void Dialogue::detach() {
  if (!loop_) return;
  forget();
  deferred_.detach();
  loop_ = nullptr;
}

// A child of the user's code may hold the socket open, so the end of the process is watched as well.
void Dialogue::watch() {
  watches_for_space_ = channel_->wants_to_send();
  loop_->watch(channel_->fd(), watches_for_space_ ? EPOLLIN | EPOLLOUT : EPOLLIN,
               [this](std::uint32_t) { exchange(); });
  loop_->watch(interpreter_->pidfd(), EPOLLIN, [this](std::uint32_t) {
    has_ended_ = true;
    exchange();
  });
}

void Dialogue::update_watch() {
  if (!loop_ || over_ || channel_->wants_to_send() == watches_for_space_) return;
  watches_for_space_ = !watches_for_space_;
  loop_->change(channel_->fd(), watches_for_space_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Dialogue::forget() {
  loop_->forget(channel_->fd());
  if (interpreter_->pidfd() >= 0) loop_->forget(interpreter_->pidfd());
}

// The end.

// The one way to the state "over": everybody who waits is told.
void Dialogue::end(Error reason) {
  if (over_) return;
  over_ = reason;
  if (loop_) forget();
  interpreter_->kill();
  std::deque<Pending> open;
  open.swap(pending_);
  for (Pending& question : open) settle(std::move(question), fail(reason));
  for (const std::uint64_t tag : forked_) tell_exit(tag, kKilledStatus, reason.message);
  forked_.clear();
}

void Dialogue::end_of_closed_socket() {
  if (!interpreter_->leaves_within(kSelfEndMs))
    return end(Error{"the evaluator (" + interpreter_->python() + ") has closed its socket"});
  end(interpreter_->ended_error(pending_.empty() ? std::string() : pending_.front().about, has_spoken_));
}

}  // namespace furrow::snakefile
