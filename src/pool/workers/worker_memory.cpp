#include "pool/workers/worker_memory.hpp"

#include <sys/mman.h>

#include <new>

namespace furrow::pool {

namespace {

constexpr std::size_t kLine = 128;

// Whole pages.
std::size_t table_bytes(int workers) {
  const std::size_t page = os::page_size();
  const std::size_t size = sizeof(ProcessTable) + static_cast<std::size_t>(workers) * sizeof(ProcessSlot);
  return (size + page - 1) / page * page;
}
std::size_t range_bytes(int workers) {
  return (static_cast<std::size_t>(workers) * sizeof(RangeSlot) + kLine - 1) / kLine * kLine;
}
std::size_t ring_bytes(std::size_t capacity) { return capacity ? channel::Ring::bytes_for(capacity) : 0; }

}  // namespace

std::size_t WorkerMemory::bytes_for(int workers, std::size_t outbox, std::size_t inbox) {
  static_assert(sizeof(channel::RingHeader) % kLine == 0 && alignof(WorkerSlot) <= kLine);
  return table_bytes(workers) + sizeof(channel::Doorbell) + range_bytes(workers) +
         static_cast<std::size_t>(workers) * (sizeof(WorkerSlot) + ring_bytes(outbox) + ring_bytes(inbox));
}

WorkerMemory::WorkerMemory(os::SharedMemory segment, int workers, std::size_t outbox, std::size_t inbox)
    : WorkerMemory(AsItIs{}, std::move(segment), workers, outbox, inbox) {
  ::new (segment_.data()) ProcessTable;
  ::new (&bell()) channel::Doorbell;
  for (int i = 0; i < workers_; ++i) {
    ::new (&process(i)) ProcessSlot;
    ::new (&slot(i)) WorkerSlot;
    ::new (ranges() + i) RangeSlot;
    renew(i);
  }
}

WorkerMemory WorkerMemory::attach(os::SharedMemory segment, int workers, std::size_t outbox,
                                  std::size_t inbox) {
  return WorkerMemory(AsItIs{}, std::move(segment), workers, outbox, inbox);
}

WorkerSlot& WorkerMemory::slot(int worker) const {
  return reinterpret_cast<WorkerSlot*>(&bell() + 1)[worker];
}

ProcessSlot& WorkerMemory::process(int worker) const {
  return reinterpret_cast<ProcessSlot*>(segment_.data() + sizeof(ProcessTable))[worker];
}

channel::Doorbell& WorkerMemory::bell() const {
  return *reinterpret_cast<channel::Doorbell*>(segment_.data() + table_bytes(workers_));
}

void WorkerMemory::protect_processes() const {
  (void)::mprotect(segment_.data(), table_bytes(workers_), PROT_READ);  // if it fails, it is only less safe
}

RangeSlot* WorkerMemory::ranges() const { return reinterpret_cast<RangeSlot*>(&slot(workers_)); }

std::byte* WorkerMemory::outbox(int worker) const {
  return reinterpret_cast<std::byte*>(ranges()) + range_bytes(workers_) +
         static_cast<std::size_t>(worker) * (ring_bytes(outbox_) + ring_bytes(inbox_));
}

std::byte* WorkerMemory::inbox(int worker) const { return outbox(worker) + ring_bytes(outbox_); }

void WorkerMemory::renew(int worker) const {
  WorkerSlot& each = slot(worker);
  each.published.clear();
  each.intent = 0;
  each.block.close();
  each.failed_item = kNothing;
  each.attempts = 0;
  each.worker_state = WorkerState::kStarting;
  each.bell.reset();
  each.asked = kNothing;
  process(worker).kill = Kill::kNo;
  process(worker).stop = kNoTask;
  channel::Ring::create(outbox(worker), outbox_);
  if (inbox_) channel::Ring::create(inbox(worker), inbox_);
}

}  // namespace furrow::pool
