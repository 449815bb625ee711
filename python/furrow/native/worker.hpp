// The worker's side: calls the function of a chunk on each of its values, and reports.
//
// States of the GIL: this thread holds it, but for the time between idle() and the next message, when threads
// that tasks have started may run.
//
// The process was forked by one that may have had other threads. Nothing here runs before prepare() has told
// Python of the fork; from then on this is its only thread.
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
  // HOOKS is the module furrow._worker; BEGIN runs the initializer, given the worker's number. Borrows STORE.
  Worker(py::object hooks, py::object begin, BufferStore* store)
      : hooks_(std::move(hooks)), begin_(std::move(begin)), store_(store) {}

  // Where the task that runs in this process is: (seed, number, index), or None.
  static py::object scope();

  void prepare(int worker) override;
  void begin(const pool::WorkerDesk&) override {}
  void handle(const pool::MessageHead& head, bool job, Reader& body, const pool::WorkerDesk& desk) override;
  void idle() override;
  void end() override;

 private:
  struct Job {
    std::uint64_t id = 0;
    py::object function{};
    py::object failure{};  // why there is no function: bytes
    Calling calling = Calling::kItem;
    int retries = 0;
    std::uint64_t seed = 0, number = 0;  // of its random streams
    py::object together{};               // how to run coroutines: what furrow._async needs; none
  };

  const Job& learn(std::uint64_t id, Reader& body);
  const Job& known(std::uint64_t id) const;
  void run(const Job& job, const pool::MessageHead& head, const pool::WorkerDesk& desk);
  void run_together(const Job& job, const pool::MessageHead& head, ResultBlock& results,
                    const pool::WorkerDesk& desk);
  bool run_one(const Job& job, std::uint64_t unit, const py::object& argument, ResultBlock& results,
               const pool::WorkerDesk& desk);
  py::object call(const Job& job, const py::object& argument);
  py::object encode_result(const py::object& result);
  std::string dumped(const py::object& exception);
  void read_all(Reader& body, Buffer& to);
  void leave(int status);

  py::object hooks_;
  py::object begin_;
  BufferStore* store_;
  Pickling pickling_{};
  std::unique_ptr<Encoder> encoder_{};
  std::deque<Job> jobs_{};
  Buffer spec_{}, values_{}, result_{};
  PyThreadState* released_ = nullptr;
  py::object flush_{}, dump_failure_{}, hard_dumps_{}, exit_status_{}, finish_{}, together_{};
  std::uint64_t tried_unit_ = pool::kNothing;
  int tried_attempts_ = 0;
  std::vector<std::uint64_t> places_{};  // in the arena, of the result that is being encoded
};

}  // namespace furrow::python
