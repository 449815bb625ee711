#include "pool/crew/crew_memory.hpp"

#include <new>

namespace furrow::pool {

namespace {

constexpr std::size_t kLine = 128;

std::size_t range_bytes(int workers) {
  return (static_cast<std::size_t>(workers) * sizeof(RangeSlot) + kLine - 1) / kLine * kLine;
}
std::size_t ring_bytes(std::size_t capacity) { return capacity ? channel::Ring::bytes_for(capacity) : 0; }

}  // namespace

std::size_t CrewMemory::bytes_for(int workers, std::size_t outbox, std::size_t inbox) {
  static_assert(sizeof(channel::RingHeader) % kLine == 0 && alignof(WorkerSlot) <= kLine);
  return sizeof(CrewHeader) + range_bytes(workers) +
         static_cast<std::size_t>(workers) * (sizeof(WorkerSlot) + ring_bytes(outbox) + ring_bytes(inbox));
}

CrewMemory::CrewMemory(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox)
    : CrewMemory(AsItIs{}, std::move(segment), workers, outbox, inbox) {
  ::new (segment_.data()) CrewHeader;
  for (int i = 0; i < workers_; ++i) {
    ::new (&slot(i)) WorkerSlot;
    ::new (ranges() + i) RangeSlot;
    renew(i);
  }
}

CrewMemory CrewMemory::attach(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox) {
  return CrewMemory(AsItIs{}, std::move(segment), workers, outbox, inbox);
}

WorkerSlot& CrewMemory::slot(int worker) const {
  return reinterpret_cast<WorkerSlot*>(segment_.data() + sizeof(CrewHeader))[worker];
}

RangeSlot* CrewMemory::ranges() const { return reinterpret_cast<RangeSlot*>(&slot(workers_)); }

std::byte* CrewMemory::outbox(int worker) const {
  return reinterpret_cast<std::byte*>(ranges()) + range_bytes(workers_) +
         static_cast<std::size_t>(worker) * (ring_bytes(outbox_) + ring_bytes(inbox_));
}

std::byte* CrewMemory::inbox(int worker) const { return outbox(worker) + ring_bytes(outbox_); }

void CrewMemory::renew(int worker) const {
  WorkerSlot& each = slot(worker);
  each.published = kNothing;
  each.intent = 0;
  each.block_unit = kNothing;
  each.failed_item = kNothing;
  each.attempts = 0;
  each.talk = Talk::kStarting;
  each.kill = 0;
  channel::Ring::create(outbox(worker), outbox_);
  if (inbox_) channel::Ring::create(inbox(worker), inbox_);
}

}  // namespace furrow::pool
