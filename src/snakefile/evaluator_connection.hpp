// The connection between the engine and its evaluator, over one socket. It carries the engine's requests,
// which are answered in order; the evaluator's own questions in between; and reports of the children that the
// evaluator has forked.
//
// States: open -> over. It is over when the interpreter has ended, when the interpreter sent a malformed
// message, when a blocking call was stopped, and in the destructor. Then every pending and every new request
// is answered with one error that says what happened, and each forked child that was still running is
// reported as killed.
//
// ask() blocks and handles all messages that arrive meanwhile. request() answers from the event loop that the
// connection is attached to, and so do reports of children. Callbacks may call any member, but must not
// destroy the object. Owns the interpreter and the socket. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"
#include "snakefile/deferred_calls.hpp"
#include "snakefile/evaluator_options.hpp"
#include "snakefile/frame_channel.hpp"
#include "snakefile/interpreter.hpp"
#include "text/json.hpp"

namespace furrow::snakefile {

// An answer, with the text that it points into.
struct Answer {
  text::JsonDocument document;
  const text::JsonValue* value;
};
using AnswerCallback = std::function<void(Result<Answer>)>;

struct Request {
  std::uint64_t id;
  std::string message;
  std::string about;  // what the evaluator does for it, for errors: "preparing rule a"
};

class EvaluatorConnection {
 public:
  // Takes ownership of SOCKET.
  EvaluatorConnection(std::unique_ptr<Interpreter> interpreter, int socket, EvaluatorOptions options);
  ~EvaluatorConnection();  // waits until the process has ended

  // Tells the process to end. Requests fail from now on.
  void close();

  std::uint64_t new_id() { return ++last_id_; }  // for a request
  // With MAY_STOP, the call and the connection end early once options.stopping() is true.
  Result<Answer> ask(Request request, bool may_stop = true);
  void request(Request request, AnswerCallback done);

  void set_fork_listener(plan::ForkService::Listener* listener) { listener_ = listener; }
  void fork(Request request, std::uint64_t tag, std::span<const int> descriptors);

  void attach(os::EventLoop& loop);  // borrowed until detach()
  void detach();
  bool is_attached() const { return loop_ != nullptr; }
  const Interpreter& interpreter() const { return *interpreter_; }

 private:
  struct Pending {
    std::uint64_t id;
    std::string about;
    bool blocking;  // its callback may run inside any call
    AnswerCallback done;
    std::optional<std::uint64_t> fork_tag{};
    double asked_at = 0;  // for the log only
  };

  void send(Pending question, std::string message, std::span<const int> descriptors = {});
  void settle(Pending question, Result<Answer> answer);
  void wait_for_socket(bool may_stop);
  void exchange();
  void handle(std::string text);
  void handle_answer(text::JsonDocument document, const Frame& frame);
  void handle_exit(const Frame& frame);
  void report_fork(std::uint64_t tag, const Result<Answer>& answer);
  void report_exit(std::uint64_t tag, int status, std::string error);

  void watch();
  void update_watch();
  void forget();
  void end(Error reason);
  void end_of_closed_socket();

  EvaluatorOptions options_;
  std::unique_ptr<Interpreter> interpreter_;
  std::unique_ptr<FrameChannel> channel_;
  std::optional<Error> over_;
  bool has_spoken_ = false;  // a frame has arrived
  bool has_ended_ = false;   // the process has ended; the socket may still hold frames from it

  std::uint64_t last_id_ = 0;
  std::deque<Pending> pending_;     // in the order in which they are answered
  std::set<std::uint64_t> forked_;  // tags of children that are running
  plan::ForkService::Listener* listener_ = nullptr;

  os::EventLoop* loop_ = nullptr;
  bool watches_for_space_ = false;
  DeferredCalls deferred_;
};

}  // namespace furrow::snakefile
