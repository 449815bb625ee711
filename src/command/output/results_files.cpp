#include "command/output/results_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "os/files/files.hpp"

namespace furrow::command {

namespace {

constexpr std::size_t kLongestName = 255;

// One folder's name. "." and ".." are escaped too, which would be other folders.
std::string escaped(std::string_view value) {
  std::string name;
  if (value == "." || value == "..") name += '\\';
  for (const char c : value) {
    switch (c) {
      case '\\':
        name += "\\\\";
        break;
      case '\t':
        name += "\\t";
        break;
      case '\0':
        name += "\\0";
        break;
      case '/':
        name += "\\_";
        break;
      default:
        name += c;
    }
  }
  return name.substr(0, kLongestName);
}

Result<plan::Launch::Stream> create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return furrow::fail(system_error("cannot write " + path));
  return plan::Launch::Stream(new int(fd), [](const int* owned) {
    ::close(*owned);
    delete owned;
  });
}

}  // namespace

ResultsFiles::ResultsFiles(const CommandTemplate& text, std::vector<std::string> names)
    : text_(text), names_(std::move(names)) {}

std::string ResultsFiles::name_of(std::size_t value) const {
  return value < names_.size() ? names_[value] : std::to_string(value + 1);
}

// NAME/VALUE/NAME/VALUE, sorted by the names: numeric names first, by number, then the others as text.
std::string ResultsFiles::values_folder(const Arguments& values) const {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    const std::string one = name_of(a), other = name_of(b);
    const double first = std::atof(one.c_str()), second = std::atof(other.c_str());
    return first != second ? first < second : one < other;
  });
  std::string folder;
  for (const std::size_t i : order) folder += escaped(name_of(i)) + "/" + escaped(values[i]) + "/";
  return folder;
}

ResultsPaths ResultsFiles::paths(const MapJob& job, const RenderContext& context) const {
  std::string name = text_.render(job.values, context);
  if (name == text_.text()) name += "/" + values_folder(job.values);
  if (name.ends_with('/')) return {name + "stdout", name + "stderr", name + "seq"};
  return {name, name + ".err", name + ".seq"};
}

Result<void> ResultsFiles::open(MapJob& job, const RenderContext& context) const {
  const ResultsPaths files = paths(job, context);
  FURROW_TRY(os::make_parent(files.out));
  FURROW_TRY(os::write_file(files.seq, std::to_string(job.seq)));
  auto out = FURROW_TRY(create(files.out));
  auto err = FURROW_TRY(create(files.err));
  job.output = std::move(out);
  job.errors = std::move(err);
  return {};
}

bool ResultsFiles::exist(const MapJob& job, const RenderContext& context) const {
  return os::status(paths(job, context).seq).exists();
}

}  // namespace furrow::command
