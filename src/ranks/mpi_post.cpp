// The plugin by which the command's ranks speak over MPI. Loaded only where a launcher has started several.
#include <mpi.h>

#include "channel/post.hpp"
#include "mpi/mailbox.hpp"
#include "mpi/ranks_here.hpp"

namespace furrow::ranks {

namespace {

using mpi_detail::Bytes;
using mpi_detail::Mailbox;

MPI_Comm start() {
  int given = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
  MPI_Comm own = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &own);
  return own;
}

class MpiPost final : public channel::Post {
 public:
  MpiPost() : communicator_(start()), mailbox_(communicator_), ranks_here_(mpi_detail::ranks_here_by_mpi()) {
    MPI_Comm_rank(communicator_, &rank_);
    MPI_Comm_size(communicator_, &size_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int ranks_here() const override { return ranks_here_; }

  void send(int rank, std::string_view message) override {
    Bytes bytes = mailbox_.spare();
    bytes.write(message.data(), message.size());
    mailbox_.send(rank, std::move(bytes));
  }

  std::optional<Letter> receive() override {
    auto letter = mailbox_.receive();
    if (!letter) return std::nullopt;
    Letter taken{letter->from,
                 {reinterpret_cast<const char*>(letter->message.data()), letter->message.size()}};
    mailbox_.keep(std::move(letter->message));
    return taken;
  }

  void end() override {
    mailbox_.flush();
    mailbox_.close();
    MPI_Finalize();
  }

 private:
  MPI_Comm communicator_;
  Mailbox mailbox_;
  int rank_ = 0, size_ = 1;
  const int ranks_here_;
};

}  // namespace

}  // namespace furrow::ranks

extern "C" __attribute__((visibility("default"))) furrow::channel::Post* furrow_open_post_1() {
  return new furrow::ranks::MpiPost();
}
