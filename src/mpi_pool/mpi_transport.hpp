// Messages between the ranks: byte strings of any length, in order for each pair of ranks. A message may come
// with out-of-band buffers, which are neither copied into it nor out of it.
//
// Only two calls wait for another rank: flush(), and receive() once the first part of a message has arrived.
// Thread-safety: one thread at a time. Errors: MPI ends the job.
#pragma once

#include <mpi.h>

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "mpi_pool/bytes.hpp"
#include "pool/messages/out_of_band_buffer.hpp"

namespace furrow::mpi_pool {

class MpiTransport {
 public:
  explicit MpiTransport(MPI_Comm communicator) : communicator_(communicator) {}

  // BUFFERS are kept alive until they are sent.
  void send(int rank, Bytes message, std::vector<pool::OutOfBandBuffer> buffers = {});
  struct Message {
    int from;
    Bytes message;
    std::vector<pool::OutOfBandBuffer> buffers{};
  };
  // Gives memory for an incoming buffer of SIZE bytes. If it gives none, the heap is used.
  std::function<pool::OutOfBandBuffer(std::size_t size)> room{};
  // The next message that has arrived, if any.
  std::optional<Message> receive();
  bool all_sent();
  void flush();  // waits until everything is sent
  // From now on nothing is sent or received.
  void close() { closed_ = true; }
  // An empty message whose memory was used before, if one was kept.
  Bytes spare();
  void keep(Bytes used);

 private:
  void send_parts(int rank, const std::byte* data, std::size_t size, int last_tag, int tag,
                  std::vector<MPI_Request>& requests);
  void receive_buffers(Message& received);

  struct Outgoing {
    Bytes message;
    std::vector<pool::OutOfBandBuffer> buffers;
    std::vector<MPI_Request> requests{};
  };

  MPI_Comm communicator_;
  bool closed_ = false;
  std::deque<Outgoing> outgoing_{};
  std::vector<Bytes> spare_{};
};

}  // namespace furrow::mpi_pool
