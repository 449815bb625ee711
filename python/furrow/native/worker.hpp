// Runs in a worker: calls the function of a chunk on each of its values, and reports the results.
//
// The GIL: this thread holds it, except between idle() and the next message, when threads that tasks have
// started may run.
//
// The process was forked from one that may have had other threads. Nothing here runs before prepare() has
// informed Python of the fork; after that this is its only thread.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "native/values.hpp"
#include "native/wire.hpp"
#include "pool/messages/message_worker.hpp"

namespace furrow::python {

class ResultBlock;

class Worker : public pool::MessageHandler {
 public:
  // HOOKS is the module furrow._worker. BEGIN is called with the worker's number and runs the initializer.
  // STORE is borrowed and may be null.
  Worker(py::object hooks, py::object begin, BufferStore* store)
      : hooks_(std::move(hooks)), begin_(std::move(begin)), store_(store) {}

  // What keys the random numbers of the running task: (serial, seed, number, index), or None outside a task.
  static py::object scope();

  static bool stop_requested();  // whether the running task should end
  static bool is_here();         // whether this process is a worker

  void prepare(int worker) override;
  void begin(const pool::WorkerContext&) override {}
  void handle(const pool::MessageHead& head, bool map, pool::ValueReader& body,
              const pool::WorkerContext& context) override;
  void idle() override;
  bool still_idle() override;
  void end() override;

 private:
  struct SentMap {
    std::uint64_t id = 0;
    py::object function{};
    py::object failure{};  // bytes that say why there is no function
    Calling calling = Calling::kItem;
    int retries = 0;
    std::uint64_t seed = 0, number = 0;  // these key its random streams
    bool seeded = false;                 // whether they key the global generators too
    py::object together{};               // how to run coroutines, for furrow._async; None: no coroutines
  };

  const SentMap& learn(std::uint64_t id, Reader& body);
  const SentMap& known(std::uint64_t id) const;
  void run(const SentMap& map, const pool::MessageHead& head, const pool::WorkerContext& context);
  void run_together(const SentMap& map, const pool::MessageHead& head, ResultBlock& results,
                    const pool::WorkerContext& context);
  bool run_one(const SentMap& map, std::uint64_t index, const py::object& argument, ResultBlock& results,
               const pool::WorkerContext& context);
  void restore_worker_seed(const SentMap& next);
  py::object call(const SentMap& map, const py::object& argument);
  py::object encode_result(const py::object& result);
  std::string dumped(const py::object& exception);
  void read_all(Reader& body, Buffer& to);
  void exit_process(int status);
  // In a copy of the worker, when the task has ended there: OUTCOME is what it returned or raised.
  [[noreturn]] void end_copy(const py::object& outcome);

  py::object hooks_;
  py::object begin_;
  BufferStore* store_;
  Pickling pickling_{};
  std::unique_ptr<Encoder> encoder_{};
  std::deque<SentMap> maps_{};
  Buffer spec_{}, values_{}, result_{};
  PyThreadState* released_ = nullptr;
  py::object flush_{}, dump_failure_{}, hard_dumps_{}, exit_status_{}, finish_{}, together_{}, seed_task_{};
  bool seeded_ = false;  // the last task had the global generators seeded
  std::uint64_t tried_index_ = pool::kNothing;
  int tried_attempts_ = 0;
  std::vector<std::uint64_t> offsets_{};  // in the arena, for the result that is being encoded
};

}  // namespace furrow::python
