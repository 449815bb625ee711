#include "mpi/opening.hpp"

#include <ctime>

#include "mpi/record.hpp"

namespace furrow::mpi_detail {

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
    const auto place = static_cast<std::size_t>(rank);
    const auto workers = static_cast<std::uint64_t>(opening.workers_of[place]);
    const bool made = !opening.made.empty() && opening.made[place] > 0;
    const bool sends_initializer = !made && opening.initializer;
    const OpenHead head{last_pool, before, made, workers, opening.max_tasks_per_child, sends_initializer};
    before += workers;
    if (rank == 0) continue;
    Batch batch;
    Writer& record = batch.begin(RecordKind::kOpen);
    record.write(&head, sizeof head);
    if (sends_initializer) opening.initializer(record);
    batch.end();
    program.mailbox().send(rank, batch.take());
  }
  return last_pool;
}

void end_others(Program& program) {
  for (int rank = 1; rank < program.size(); ++rank) {
    Batch batch;
    batch.add(RecordKind::kEnd);
    program.mailbox().send(rank, batch.take());
  }
  for (int left = program.size() - 1; left > 0;) {
    const auto letter = program.mailbox().receive();
    if (!letter) {
      const timespec time{0, 50'000};
      ::nanosleep(&time, nullptr);
      continue;
    }
    for_each_record(letter->message,
                    [&](RecordKind kind, BytesReader) { left -= kind == RecordKind::kEnded; });
  }
}

}  // namespace furrow::mpi_detail
