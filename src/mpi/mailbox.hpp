// Messages between the ranks: byte strings of any length, in order for each pair of ranks.
//
// Nothing here waits for another rank to look, but flush(). Thread-safety: one thread at a time. Errors: MPI
// ends the job.
#pragma once

#include <mpi.h>

#include <deque>
#include <optional>
#include <vector>

#include "mpi/bytes.hpp"

namespace furrow::mpi_detail {

class Mailbox {
 public:
  explicit Mailbox(MPI_Comm communicator) : communicator_(communicator) {}

  void send(int rank, Bytes message);
  struct Letter {
    int from;
    Bytes message;
  };
  // The next message that has come, if any.
  std::optional<Letter> receive();
  bool all_sent();
  void flush();  // until all is sent
  // From now on nothing is sent, and nothing comes.
  void close() { closed_ = true; }
  // One that was sent or read before, to be filled again.
  Bytes spare();
  void keep(Bytes used);

 private:
  struct Outgoing {
    Bytes message;
    std::vector<MPI_Request> requests{};
  };

  MPI_Comm communicator_;
  bool closed_ = false;
  std::deque<Outgoing> outgoing_{};
  std::vector<Bytes> spare_{};
};

}  // namespace furrow::mpi_detail
