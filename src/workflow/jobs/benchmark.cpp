#include "workflow/jobs/benchmark.hpp"

#include <fmt/format.h>

#include "os/files/files.hpp"

namespace furrow::workflow {

Result<void> write_benchmark(const std::string& path, const plan::Usage& usage) {
  const long whole = static_cast<long>(usage.wall_s);
  const double cpu = usage.user_s + usage.system_s;
  const double load = usage.wall_s > 0 ? 100 * cpu / usage.wall_s : 0;
  // Unknown for a job that ended before it was measured and was smaller than the engine.
  const std::string max_rss =
      usage.max_rss_kb > 0 ? fmt::format("{:.2f}", static_cast<double>(usage.max_rss_kb) / 1024) : "-";
  return os::write_file(
      path, fmt::format("s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
                        "{:.4f}\t{}:{:02}:{:02}\t{}\t-\t-\t-\t{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\n",
                        usage.wall_s, whole / 3600, whole / 60 % 60, whole % 60, max_rss,
                        static_cast<double>(usage.read_blocks) / 2048,
                        static_cast<double>(usage.write_blocks) / 2048, load, cpu));
}

}  // namespace furrow::workflow
