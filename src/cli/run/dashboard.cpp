#include "cli/run/dashboard.hpp"

#include <utility>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"
#include "report/page.hpp"
#include "report/runs/live_json.hpp"
#include "text/json.hpp"

namespace furrow::cli {

namespace {

constexpr double kWriteEvery_s = 1;
// A page without news for much longer says that the run may have been killed.
constexpr double kAtLeastEvery_s = 15;

std::string without_suffix(const std::string& path) {
  return path.ends_with(".html") ? path.substr(0, path.size() - 5) : path;
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string json_text(const std::string& text) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  text::write(json, text);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

Result<std::unique_ptr<Dashboard>> Dashboard::create(const std::string& path, report::RuleTimes earlier) {
  // The run may change its folder.
  const std::string data_path = os::absolute(without_suffix(path) + ".data.js");
  FURROW_TRY(os::make_parent(path));
  const std::string folder = os::current_directory();
  report::Page page;
  page.kind = report::PageKind::kDashboard;
  page.title = "Run in " + name_of(folder);
  page.data = {
      {"dashboard", "{\"file\":" + json_text(name_of(data_path)) + ",\"folder\":" + json_text(folder) + "}"}};
  std::unique_ptr<Dashboard> dashboard(new Dashboard(data_path, std::move(earlier)));
  FURROW_TRY(dashboard->write());
  FURROW_TRY(report::write_page(path, page));
  return dashboard;
}

void Dashboard::attach(os::EventLoop& loop) {
  loop_ = &loop;
  schedule(kWriteEvery_s);
}

void Dashboard::detach() {
  if (loop_) loop_->cancel(std::exchange(timer_, 0));
  loop_ = nullptr;
}

void Dashboard::schedule(double delay_s) {
  if (!loop_) return;
  timer_ = loop_->after(delay_s, [this] {
    const bool had_news = std::exchange(is_news_, false);
    (void)write();
    schedule(had_news ? kWriteEvery_s : kAtLeastEvery_s);
  });
}

// The first news after a pause are shown a second later.
void Dashboard::write_soon() {
  if (std::exchange(is_news_, true) || !loop_) return;
  loop_->cancel(timer_);
  schedule(kWriteEvery_s);
}

void Dashboard::finish(int code) {
  detach();
  if (live_.facts().began_at == 0) live_.on_run({.began_at = os::wall_seconds()});
  if (!live_.has_finished()) live_.on_finish(code, os::wall_seconds());
  (void)write();
}

Result<void> Dashboard::write() {
  auto file = FURROW_TRY(os::ReplacingFile::create(data_path_));
  FURROW_TRY(file->write("show(" + report::live_json(live_, earlier_, os::wall_seconds()) + ");\n"));
  return file->finish();
}

}  // namespace furrow::cli
