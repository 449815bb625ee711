#include "exec/batch/batch_spec.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "exec/batch/attempt_json.hpp"
#include "exec/batch/checksummed_line.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"

namespace furrow::exec {

namespace {

constexpr const char* kFormat = "batch 1";
// With jobs that run at once: a runner that does not know these would run them one after the other, without end.
constexpr const char* kFormatWithGangs = "batch 2";

constexpr auto kHeaderFields = std::tuple(
    text::field("id", &BatchSpec::id), text::field("index", &BatchSpec::index),
    text::optional_field("group", &BatchSpec::group), text::field("directory", &BatchSpec::directory),
    text::field("cores", &BatchSpec::cores), text::field("memory_mb", &BatchSpec::memory_mb),
    text::field("timeout_s", &BatchSpec::timeout_s), text::optional_field("time_s", &BatchSpec::time_s),
    text::optional_field("longest_s", &BatchSpec::longest_s),
    text::field("one_stream", &BatchSpec::one_stream),
    text::optional_field_as<EvaluatorCodec>("evaluator", &BatchSpec::evaluator));

constexpr auto kFileFields = std::tuple(text::optional_field("files", &plan::BatchFiles::files),
                                        text::optional_field("folders", &plan::BatchFiles::folders),
                                        text::optional_field("touched", &plan::BatchFiles::touched),
                                        text::optional_field("temporary", &plan::BatchFiles::temporary),
                                        text::optional_field("pipes", &plan::BatchFiles::pipes),
                                        text::optional_field("services", &plan::BatchFiles::services));

constexpr auto kJobFields = std::tuple(
    text::field("key", &BatchJob::key), text::field("name", &BatchJob::name),
    text::field_as<text::HexCodec>("identity", &BatchJob::identity),
    text::field("attempt", &BatchJob::attempt), text::field("cores", &BatchJob::cores),
    text::field("memory_mb", &BatchJob::memory_mb), text::optional_field("after", &BatchJob::after),
    text::optional_field("gang", &BatchJob::gang), text::optional_field("uses", &BatchJob::uses),
    text::inline_fields(&BatchJob::files, kFileFields),
    text::inline_fields(&BatchJob::launch, kLaunchFields));

std::string header_line(const BatchSpec& batch) {
  const bool has_gangs =
      std::any_of(batch.jobs.begin(), batch.jobs.end(), [](const BatchJob& job) { return job.gang != 0; });
  return checksummed_line([&](text::JsonWriter& json) {
    text::write_field(json, "furrow", std::string(has_gangs ? kFormatWithGangs : kFormat));
    text::write_fields(json, batch, kHeaderFields);
    text::write_field(json, "jobs", batch.jobs.size());
  });
}

std::string job_line(const BatchJob& job) {
  return checksummed_line([&](text::JsonWriter& json) { text::write_fields(json, job, kJobFields); });
}

// A batch is a list of commands. In a folder that several users share, nobody runs those of another; root's may be run. Root
// itself may appear as another user on a network file system.
Result<void> check_owner(const std::string& path) {
  struct stat info {};
  if (::geteuid() == 0 || ::stat(path.c_str(), &info) != 0) return {};
  if (info.st_uid == ::geteuid() || info.st_uid == 0) return {};
  return fail(Error{"the batch belongs to another user (uid " + std::to_string(info.st_uid) +
                        "), so its commands are not run",
                    path, 0, "Let that user's furrow run go on with it, or remove its folder."});
}

}  // namespace

Result<void> write_batch_spec(const std::string& path, const BatchSpec& batch) {
  // Commands and environments are their owner's business, whatever the umask.
  constexpr unsigned kOwnerOnly = 0600;
  auto file = FURROW_TRY(os::ReplacingFile::create(path, kOwnerOnly));
  std::string text = header_line(batch);
  for (const BatchJob& job : batch.jobs) {
    text += job_line(job);
    if (text.size() < 1 << 20) continue;
    FURROW_TRY(file->write(text));
    text.clear();
  }
  FURROW_TRY(file->write(text));
  return file->finish();
}

Result<BatchSpec> read_batch_spec(const std::string& path) {
  FURROW_TRY(check_owner(path));
  auto text = FURROW_TRY(os::read_file(path));
  BatchSpec batch;
  std::string format;
  std::size_t expected = 0;
  bool is_first = true;
  const std::size_t read = read_checksummed(text, [&](const text::JsonValue& line) {
    if (is_first) {
      format = text::read_field<std::string>(line, "furrow");
      expected = text::read_field<std::size_t>(line, "jobs");
      text::read_fields(line, batch, kHeaderFields);
    } else {
      text::read_fields(line, batch.jobs.emplace_back(), kJobFields);
    }
    is_first = false;
  });
  if (format != kFormat && format != kFormatWithGangs && !format.empty())
    return fail(Error{"this furrow does not know the batch format \"" + format + "\"", path, 0,
                      "It was written by another version of furrow: install the same version on all nodes."});
  if (format.empty() || read != text.size() || expected != batch.jobs.size())
    return fail(Error{"the batch is damaged", path});
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    for (const auto* const earlier : {&batch.jobs[i].after, &batch.jobs[i].uses}) {
      if (std::any_of(earlier->begin(), earlier->end(), [&](std::uint32_t index) { return index >= i; }))
        return fail(Error{"the batch is damaged: a job waits for one that does not come before it", path});
    }
  }
  return batch;
}

}  // namespace furrow::exec
