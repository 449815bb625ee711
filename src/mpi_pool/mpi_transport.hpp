// Messages between the ranks of an MPI program.
//
// Only two calls wait for another rank: flush(), and receive() once the first part of a message has arrived.
// Thread-safety: one thread at a time. Errors: MPI ends the job.
#pragma once

#include <mpi.h>

#include <deque>
#include <vector>

#include "remote/transport.hpp"

namespace furrow::mpi_pool {

using remote::Bytes;

class MpiTransport final : public remote::Transport {
 public:
  explicit MpiTransport(MPI_Comm communicator);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  bool connects_all() const override { return true; }
  using remote::Transport::send;
  void send(int rank, Bytes message, Buffers buffers) override;
  std::optional<Message> receive() override;
  bool all_sent() override;
  void flush() override;
  void rest(std::int64_t at_most_ns) override;
  // From now on nothing is sent or received.
  void close() { closed_ = true; }

 private:
  void send_parts(int rank, const std::byte* data, std::size_t size, int last_tag, int tag,
                  std::vector<MPI_Request>& requests);
  void receive_buffers(Message& received);

  struct Outgoing {
    Bytes message;
    Buffers buffers;
    std::vector<MPI_Request> requests{};
  };

  MPI_Comm communicator_;
  int rank_ = 0, size_ = 1;
  bool closed_ = false;
  std::deque<Outgoing> outgoing_{};
};

}  // namespace furrow::mpi_pool
