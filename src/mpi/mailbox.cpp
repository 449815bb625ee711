#include "mpi/mailbox.hpp"

#include <algorithm>

namespace furrow::mpi_detail {

namespace {

constexpr std::size_t kPart = std::size_t{1} << 30;  // MPI counts with an int
constexpr int kLast = 1, kMore = 2;                  // tags
constexpr std::size_t kSpare = 8, kSpareBytes = std::size_t{1} << 20;

}  // namespace

void Mailbox::send(int rank, Bytes message) {
  if (closed_) return;
  Outgoing& out = outgoing_.emplace_back(Outgoing{std::move(message)});
  std::size_t sent = 0;
  do {
    const std::size_t size = std::min(out.message.size() - sent, kPart);
    const int tag = sent + size == out.message.size() ? kLast : kMore;
    MPI_Isend(out.message.data() + sent, static_cast<int>(size), MPI_BYTE, rank, tag, communicator_,
              &out.requests.emplace_back());
    sent += size;
  } while (sent < out.message.size());
  all_sent();
}

bool Mailbox::all_sent() {
  while (!outgoing_.empty()) {
    Outgoing& first = outgoing_.front();
    int done = 0;
    MPI_Testall(static_cast<int>(first.requests.size()), first.requests.data(), &done, MPI_STATUSES_IGNORE);
    if (!done) return false;
    keep(std::move(first.message));
    outgoing_.pop_front();
  }
  return true;
}

void Mailbox::flush() {
  while (!all_sent()) {
  }
}

Bytes Mailbox::spare() {
  if (spare_.empty()) return {};
  Bytes taken = std::move(spare_.back());
  spare_.pop_back();
  return taken;
}

void Mailbox::keep(Bytes used) {
  if (spare_.size() >= kSpare || used.size() > kSpareBytes) return;
  used.clear();
  spare_.push_back(std::move(used));
}

std::optional<Mailbox::Letter> Mailbox::receive() {
  if (closed_) return std::nullopt;
  all_sent();
  int came = 0;
  MPI_Message handle;
  MPI_Status status;
  MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, communicator_, &came, &handle, &status);
  if (!came) return std::nullopt;
  Letter letter{status.MPI_SOURCE, spare()};
  for (;;) {
    int size = 0;
    MPI_Get_count(&status, MPI_BYTE, &size);
    MPI_Mrecv(letter.message.extend(static_cast<std::size_t>(size)), size, MPI_BYTE, &handle,
              MPI_STATUS_IGNORE);
    if (status.MPI_TAG == kLast) return letter;
    MPI_Mprobe(letter.from, MPI_ANY_TAG, communicator_, &handle, &status);
  }
}

}  // namespace furrow::mpi_detail
