#include "mpi_pool/opening.hpp"

#include <ctime>

#include "mpi_pool/record.hpp"

namespace furrow::mpi_pool {

bool mpi_runs() {
  int initialized = 0;
  MPI_Initialized(&initialized);
  return initialized != 0;
}

std::uint64_t open_on_others(Program& program, const Opening& opening) {
  static std::uint64_t last_pool = 0;
  ++last_pool;
  std::uint64_t before = 0;
  for (int rank = 0; rank < program.size(); ++rank) {
    const auto index = static_cast<std::size_t>(rank);
    const auto workers = static_cast<std::uint64_t>(opening.workers_of[index]);
    const bool made = !opening.made.empty() && opening.made[index] > 0;
    const bool sends_initializer = !made && opening.initializer;
    const OpenHead head{last_pool, before, made, workers, opening.max_tasks_per_child, sends_initializer};
    before += workers;
    if (rank == 0) continue;
    RecordWriter records;
    Writer& record = records.begin(RecordKind::kOpen);
    record.write(&head, sizeof head);
    if (sends_initializer) opening.initializer(record);
    records.end();
    program.transport().send(rank, records.take());
  }
  return last_pool;
}

void end_others(Program& program) {
  for (int rank = 1; rank < program.size(); ++rank) {
    RecordWriter records;
    records.add(RecordKind::kEnd);
    program.transport().send(rank, records.take());
  }
  for (int left = program.size() - 1; left > 0;) {
    const auto received = program.transport().receive();
    if (!received) {
      const timespec time{0, 50'000};
      ::nanosleep(&time, nullptr);
      continue;
    }
    for_each_record(received->message,
                    [&](RecordKind kind, pool::BytesReader) { left -= kind == RecordKind::kEnded; });
  }
}

}  // namespace furrow::mpi_pool
