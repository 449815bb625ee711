// The talk between the engine and its evaluator, over one socket: requests, which are answered in order; the
// evaluator's own questions in between; and word of the children that it has forked.
//
// States: open -> over. It is over when the interpreter ended, when it said something that is no protocol,
// when a blocking call was stopped, and in the destructor. Then every open and every new request is answered
// with one error that says what happened, and each forked child that was still running is reported as killed.
//
// ask() blocks, and takes in whatever comes meanwhile. request() answers from the event loop that the
// dialogue is attached to, as do reports of children. Callbacks may call any member; none may destroy the
// object. Owns the interpreter and the socket. Not thread-safe.
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
#include "snakefile/json.hpp"

namespace furrow::snakefile {

// An answer, with the text it points into.
struct Answer {
  JsonDocument document;
  const JsonValue* value;
};
using AnswerCallback = std::function<void(Result<Answer>)>;

struct Request {
  std::uint64_t id;
  std::string message;
  std::string about;  // what the evaluator does meanwhile: "evaluating rule a"
};

class Dialogue {
 public:
  // SOCKET is ours from here on.
  Dialogue(std::unique_ptr<Interpreter> interpreter, int socket, EvaluatorOptions options);
  ~Dialogue();

  std::uint64_t new_id() { return ++last_id_; }  // of a request
  // With MAY_STOP it ends early, and the dialogue with it, once options.stopping says so.
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
  };

  void send(Pending question, std::string message, std::span<const int> descriptors = {});
  void settle(Pending question, Result<Answer> answer);
  void wait_for_socket(bool may_stop);
  void exchange();
  void handle(std::string text);
  void handle_answer(JsonDocument document, const Frame& frame);
  void handle_exit(const Frame& frame);
  void tell_fork(std::uint64_t tag, const Result<Answer>& answer);
  void tell_exit(std::uint64_t tag, int status, std::string error);

  void watch();
  void update_watch();
  void forget();
  void end(Error reason);
  void end_of_closed_socket();

  EvaluatorOptions options_;
  std::unique_ptr<Interpreter> interpreter_;
  std::unique_ptr<FrameChannel> channel_;
  std::optional<Error> over_;
  bool has_spoken_ = false;  // a frame has come
  bool has_ended_ = false;   // the process; what it said before may still lie in the socket

  std::uint64_t last_id_ = 0;
  std::deque<Pending> pending_;     // in the order in which they are answered
  std::set<std::uint64_t> forked_;  // tags of children that are there and have not ended
  plan::ForkService::Listener* listener_ = nullptr;

  os::EventLoop* loop_ = nullptr;
  bool watches_for_space_ = false;
  DeferredCalls deferred_;
};

}  // namespace furrow::snakefile
