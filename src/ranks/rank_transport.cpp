// The plugin through which the command's ranks exchange messages over MPI. Loaded only if a launcher has
// started several ranks.
#include <mpi.h>

#include "channel/transport.hpp"
#include "mpi_pool/mpi_transport.hpp"
#include "mpi_pool/ranks_here.hpp"

namespace furrow::ranks {

namespace {

using mpi_pool::MpiTransport;
using remote::Bytes;

MPI_Comm start() {
  int given = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
  MPI_Comm own = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &own);
  return own;
}

class RankTransport final : public channel::Transport {
 public:
  RankTransport()
      : communicator_(start()), transport_(communicator_), ranks_here_(mpi_pool::ranks_here_by_mpi()) {
    MPI_Comm_rank(communicator_, &rank_);
    MPI_Comm_size(communicator_, &size_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int ranks_here() const override { return ranks_here_; }

  void send(int rank, std::string_view message) override {
    Bytes bytes = transport_.spare();
    bytes.write(message.data(), message.size());
    transport_.send(rank, std::move(bytes));
  }

  std::optional<Message> receive() override {
    auto received = transport_.receive();
    if (!received) return std::nullopt;
    Message taken{received->from,
                  {reinterpret_cast<const char*>(received->message.data()), received->message.size()}};
    transport_.keep(std::move(received->message));
    return taken;
  }

  void end() override {
    transport_.flush();
    transport_.close();
    MPI_Finalize();
  }

 private:
  MPI_Comm communicator_;
  MpiTransport transport_;
  int rank_ = 0, size_ = 1;
  const int ranks_here_;
};

}  // namespace

}  // namespace furrow::ranks

extern "C" __attribute__((visibility("default"))) furrow::channel::Transport* furrow_open_transport_1() {
  return new furrow::ranks::RankTransport();
}
