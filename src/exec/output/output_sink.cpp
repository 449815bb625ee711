#include "exec/output/output_sink.hpp"

namespace furrow::exec {

namespace {

void copy(const CapturedStream& from, StreamWriter& to) {
  os::for_each_fragment(from, [&to](std::string_view text) { return to.write(text); });
}

}  // namespace

StandardOutputSink::StandardOutputSink(int out_fd, int err_fd)
    : out_(out_fd), err_(err_fd), is_one_stream_(is_same_file(out_fd, err_fd)) {}

void StandardOutputSink::show(const CapturedOutput& output) {
  copy(output.out, out_);
  copy(output.err, err_);
}

}  // namespace furrow::exec
