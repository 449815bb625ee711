#include "mpi/mailbox.hpp"

#include <algorithm>

namespace furrow::mpi_detail {

namespace {

constexpr std::size_t kPart = std::size_t{1} << 30;  // MPI counts with an int
constexpr int kLast = 1, kMore = 2;                  // tags of the parts of a message
constexpr int kLastWithBeside = 3, kBeside = 4;      // sizes and number of buffers at its end; those
constexpr std::size_t kSpare = 8, kSpareBytes = std::size_t{1} << 20;

}  // namespace

void Mailbox::send_parts(int rank, const std::byte* data, std::size_t size, int last_tag, int tag,
                         std::vector<MPI_Request>& requests) {
  std::size_t sent = 0;
  do {
    const std::size_t part = std::min(size - sent, kPart);
    MPI_Isend(data + sent, static_cast<int>(part), MPI_BYTE, rank, sent + part == size ? last_tag : tag,
              communicator_, &requests.emplace_back());
    sent += part;
  } while (sent < size);
}

void Mailbox::send(int rank, Bytes message, std::vector<pool::Beside> beside) {
  if (closed_) return;
  Outgoing& out = outgoing_.emplace_back(Outgoing{std::move(message), std::move(beside)});
  if (!out.beside.empty()) {
    for (const pool::Beside& each : out.beside) out.message.write(&each.size, sizeof each.size);
    const std::uint64_t count = out.beside.size();
    out.message.write(&count, sizeof count);
  }
  send_parts(rank, out.message.data(), out.message.size(), out.beside.empty() ? kLast : kLastWithBeside,
             kMore, out.requests);
  for (const pool::Beside& each : out.beside)
    send_parts(rank, each.data, each.size, kBeside, kBeside, out.requests);
  all_sent();
}

bool Mailbox::all_sent() {
  while (!outgoing_.empty()) {
    Outgoing& first = outgoing_.front();
    int done = 0;
    MPI_Testall(static_cast<int>(first.requests.size()), first.requests.data(), &done, MPI_STATUSES_IGNORE);
    if (!done) return false;
    keep(std::move(first.message));
    first.beside.clear();
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
  if (spare_.size() >= kSpare || used.capacity() > kSpareBytes) return;
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
    if (status.MPI_TAG != kMore) break;
    MPI_Mprobe(letter.from, MPI_ANY_TAG, communicator_, &handle, &status);
  }
  if (status.MPI_TAG == kLastWithBeside) receive_beside(letter);
  return letter;
}

void Mailbox::receive_beside(Letter& letter) {
  const auto take_number = [&] {
    std::uint64_t number = 0;
    letter.message.shrink_to(letter.message.size() - sizeof number);
    std::memcpy(&number, letter.message.data() + letter.message.size(), sizeof number);
    return number;
  };
  letter.beside.resize(take_number());
  for (auto each = letter.beside.rbegin(); each != letter.beside.rend(); ++each) {
    const std::size_t size = take_number();
    if (room) *each = room(size);
    if (!each->data) {
      const std::shared_ptr<std::byte[]> memory(new std::byte[size]);
      *each = {memory.get(), size, pool::Beside::kNowhere, memory};
    }
  }
  for (const pool::Beside& each : letter.beside) {
    for (std::size_t done = 0; done < each.size; done += kPart) {
      const std::size_t size = std::min(each.size - done, kPart);
      MPI_Recv(each.data + done, static_cast<int>(size), MPI_BYTE, letter.from, kBeside, communicator_,
               MPI_STATUS_IGNORE);
    }
  }
}

}  // namespace furrow::mpi_detail
