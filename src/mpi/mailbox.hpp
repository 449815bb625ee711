// Messages between the ranks: byte strings of any length, in order for each pair of ranks, and buffers beside
// them that are neither copied into the message nor out of it.
//
// Nothing here waits for another rank to look, but flush(), and receive() of a message that has begun to
// come. Thread-safety: one thread at a time. Errors: MPI ends the job.
#pragma once

#include <mpi.h>

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "mpi/bytes.hpp"
#include "pool/messages/beside.hpp"

namespace furrow::mpi_detail {

class Mailbox {
 public:
  explicit Mailbox(MPI_Comm communicator) : communicator_(communicator) {}

  // BESIDE is kept until it is sent.
  void send(int rank, Bytes message, std::vector<pool::Beside> beside = {});
  struct Letter {
    int from;
    Bytes message;
    std::vector<pool::Beside> beside{};
  };
  // Where a buffer of SIZE bytes beside a message is to come to; on the heap, where it gives no memory.
  std::function<pool::Beside(std::size_t size)> room{};
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
  void send_parts(int rank, const std::byte* data, std::size_t size, int last_tag, int tag,
                  std::vector<MPI_Request>& requests);
  void receive_beside(Letter& letter);

  struct Outgoing {
    Bytes message;
    std::vector<pool::Beside> beside;
    std::vector<MPI_Request> requests{};
  };

  MPI_Comm communicator_;
  bool closed_ = false;
  std::deque<Outgoing> outgoing_{};
  std::vector<Bytes> spare_{};
};

}  // namespace furrow::mpi_detail
