// Workers on other nodes, over pipes: the program's side is an Agents, and on each node an agent runs serve_pipes().
//
// For the thread that holds the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "remote/stream_transport.hpp"

namespace furrow::python {

namespace py = pybind11;

// The agents that the program has started, ranks 1, 2, ..., and their pipes.
class Agents {
 public:
  // PIPES: for each agent, the descriptor to read from and the one to write to. It takes them over.
  explicit Agents(const std::vector<std::pair<int, int>>& pipes);

  // Begins a Pool with WORKERS_OF[i] workers at agent i, which gets SENT to make them from. Returns a capsule with its
  // ChunkWorkers, which borrow RUNTIME. NOTICED(bytes) gets what workers send apart from results. EXPLAIN(agent, why)
  // returns what became of an agent that is lost. Both are called while the pool's own code runs.
  py::capsule open(const std::vector<int>& workers_of, std::uint64_t max_tasks, const py::bytes& sent,
                   const py::object& runtime, py::object noticed, py::object explain);
  // Tells the agents to end, and waits until they have closed their pipes; of what they still send, NOTICED gets what
  // it is for. False if they have not after so many seconds.
  bool end(double seconds, const py::object& noticed);

 private:
  std::shared_ptr<remote::StreamTransport> transport_;
};

// Serves rank 0 as rank RANK, until it closes IN. NAME: this node's, for messages. MAKE_WORKERS(workers, max_tasks,
// sent) returns Workers. NOTICES() returns a list of bytes for Agents' NOTICED.
void serve_pipes(int rank, int in, int out, std::string name, const py::object& make_workers,
                 const py::object& notices);

}  // namespace furrow::python
