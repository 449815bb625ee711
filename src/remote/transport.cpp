#include "remote/transport.hpp"

namespace furrow::remote {

namespace {

constexpr std::size_t kSpare = 8, kSpareBytes = std::size_t{1} << 20;

}  // namespace

Bytes Transport::spare() {
  if (spare_.empty()) return {};
  Bytes taken = std::move(spare_.back());
  spare_.pop_back();
  return taken;
}

void Transport::keep(Bytes used) {
  if (spare_.size() >= kSpare || used.capacity() > kSpareBytes) return;
  used.clear();
  spare_.push_back(std::move(used));
}

pool::OutOfBandBuffer Transport::room_for(std::size_t size) const {
  pool::OutOfBandBuffer found = room ? room(size) : pool::OutOfBandBuffer();
  if (found.data) return found;
  const std::shared_ptr<std::byte[]> memory(new std::byte[size]);
  return {memory.get(), size, pool::OutOfBandBuffer::kNowhere, memory};
}

}  // namespace furrow::remote
