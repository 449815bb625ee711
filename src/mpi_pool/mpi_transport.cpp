#include "mpi_pool/mpi_transport.hpp"

#include <algorithm>
#include <ctime>

namespace furrow::mpi_pool {

namespace {

constexpr std::size_t kPart = std::size_t{1} << 30;  // MPI counts with an int
// Tags: the last part of a message, and each part before it. A last part with buffers ends in their sizes and
// their number; the buffers follow.
constexpr int kLast = 1, kMore = 2;
constexpr int kLastWithBuffers = 3, kBuffer = 4;

}  // namespace

MpiTransport::MpiTransport(MPI_Comm communicator) : communicator_(communicator) {
  MPI_Comm_rank(communicator, &rank_);
  MPI_Comm_size(communicator, &size_);
}

void MpiTransport::send_parts(int rank, const std::byte* data, std::size_t size, int last_tag, int tag,
                              std::vector<MPI_Request>& requests) {
  std::size_t sent = 0;
  do {
    const std::size_t part = std::min(size - sent, kPart);
    MPI_Isend(data + sent, static_cast<int>(part), MPI_BYTE, rank, sent + part == size ? last_tag : tag,
              communicator_, &requests.emplace_back());
    sent += part;
  } while (sent < size);
}

void MpiTransport::send(int rank, Bytes message, Buffers buffers) {
  if (closed_) return;
  Outgoing& out = outgoing_.emplace_back(Outgoing{std::move(message), std::move(buffers)});
  if (!out.buffers.empty()) {
    for (const pool::OutOfBandBuffer& each : out.buffers) out.message.write(&each.size, sizeof each.size);
    const std::uint64_t count = out.buffers.size();
    out.message.write(&count, sizeof count);
  }
  send_parts(rank, out.message.data(), out.message.size(), out.buffers.empty() ? kLast : kLastWithBuffers,
             kMore, out.requests);
  for (const pool::OutOfBandBuffer& each : out.buffers)
    send_parts(rank, each.data, each.size, kBuffer, kBuffer, out.requests);
  all_sent();
}

bool MpiTransport::all_sent() {
  while (!outgoing_.empty()) {
    Outgoing& first = outgoing_.front();
    int done = 0;
    MPI_Testall(static_cast<int>(first.requests.size()), first.requests.data(), &done, MPI_STATUSES_IGNORE);
    if (!done) return false;
    keep(std::move(first.message));
    first.buffers.clear();
    outgoing_.pop_front();
  }
  return true;
}

void MpiTransport::flush() {
  while (!all_sent()) {
  }
}

// MPI offers nothing to sleep on, and makes progress only when it is called.
void MpiTransport::rest(std::int64_t at_most_ns) {
  const timespec time{0, static_cast<long>(at_most_ns)};
  ::nanosleep(&time, nullptr);
}

std::optional<MpiTransport::Message> MpiTransport::receive() {
  if (closed_) return std::nullopt;
  all_sent();
  int came = 0;
  MPI_Message handle;
  MPI_Status status;
  MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, communicator_, &came, &handle, &status);
  if (!came) return std::nullopt;
  Message received{status.MPI_SOURCE, spare()};
  for (;;) {
    int size = 0;
    MPI_Get_count(&status, MPI_BYTE, &size);
    MPI_Mrecv(received.message.extend(static_cast<std::size_t>(size)), size, MPI_BYTE, &handle,
              MPI_STATUS_IGNORE);
    if (status.MPI_TAG != kMore) break;
    MPI_Mprobe(received.from, MPI_ANY_TAG, communicator_, &handle, &status);
  }
  if (status.MPI_TAG == kLastWithBuffers) receive_buffers(received);
  return received;
}

void MpiTransport::receive_buffers(Message& received) {
  const auto take_number = [&] {
    std::uint64_t number = 0;
    received.message.shrink_to(received.message.size() - sizeof number);
    std::memcpy(&number, received.message.data() + received.message.size(), sizeof number);
    return number;
  };
  received.buffers.resize(take_number());
  for (auto each = received.buffers.rbegin(); each != received.buffers.rend(); ++each) {
    const std::size_t size = take_number();
    *each = room_for(size);
  }
  for (const pool::OutOfBandBuffer& each : received.buffers) {
    for (std::size_t done = 0; done < each.size; done += kPart) {
      const std::size_t size = std::min(each.size - done, kPart);
      MPI_Recv(each.data + done, static_cast<int>(size), MPI_BYTE, received.from, kBuffer, communicator_,
               MPI_STATUS_IGNORE);
    }
  }
}

}  // namespace furrow::mpi_pool
