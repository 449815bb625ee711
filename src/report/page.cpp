#include "report/page.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>

#include "os/files/descriptor.hpp"
#include "os/files/replacing_file.hpp"
#include "report/base64.hpp"
#include "report/texts.hpp"

namespace furrow::report {

namespace {

using Output = std::function<Result<void>(std::string_view text)>;

constexpr std::size_t kBlock = 3 * 64 * 1024;  // a multiple of three: the base64 of such blocks can be joined

// A style sheet cannot end its element before its end.
std::string style_text(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); ++at) {
    made += text[at];
    if (text[at] == '<' && at + 1 < text.size() && text[at + 1] == '/') made += '\\';
  }
  return made;
}

Result<std::size_t> read_block(int fd, char* into, std::size_t size) {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::read(fd, into + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot read"));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

// BLOCK is room for kBlock bytes.
Result<void> write_file(const Output& out, const std::string& id, const std::string& path,
                        std::string& block) {
  const os::Descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return fail(system_error("cannot read " + path));
  FURROW_TRY(out("<script type=\"application/octet-stream\" id=\"file-" + html_text(id) + "\">"));
  for (;;) {
    const auto got = read_block(in.get(), block.data(), block.size());
    if (!got) return fail(Error{"cannot read " + path});
    FURROW_TRY(out(base64(std::string_view(block).substr(0, *got))));
    if (*got < kBlock) break;
  }
  return out("</script>\n");
}

Result<void> write_data(const Output& out, const Page& page) {
  for (const auto& [name, json] : page.data) {
    FURROW_TRY(out("<script type=\"application/json\" id=\"data-" + html_text(name) + "\">"));
    FURROW_TRY(out(script_json(json)));
    FURROW_TRY(out("</script>\n"));
  }
  std::string block(kBlock, '\0');
  for (const auto& [id, path] : page.files) FURROW_TRY(write_file(out, id, path, block));
  return {};
}

Result<void> write_style(const Output& out, const Page& page) {
  FURROW_TRY(out(texts::base_css));
  FURROW_TRY(out(texts::parts_css));
  return out(style_text(page.stylesheet));
}

Result<void> write_script(const Output& out, PageKind kind) {
  using namespace texts;
  static const std::map<PageKind, std::vector<std::string_view>> kParts = {
      {PageKind::kResults, {tools_js, tables_js, viewer_js, view_js, pages_js, main_js}},
      {PageKind::kRun, {tools_js, tables_js, viewer_js, run_pages_js, timeline_js, main_js}},
      {PageKind::kDashboard, {tools_js, dashboard_js}}};
  for (const std::string_view part : kParts.at(kind)) FURROW_TRY(out(part));
  return {};
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '<':
        made += "&lt;";
        break;
      case '>':
        made += "&gt;";
        break;
      case '&':
        made += "&amp;";
        break;
      case '"':
        made += "&quot;";
        break;
      default:
        made += c;
    }
  }
  return made;
}

// In JSON, "<" stands only within strings.
std::string script_json(std::string_view json) {
  std::string made;
  made.reserve(json.size() + json.size() / 16);
  for (const char c : json) {
    if (c == '<') {
      made += "\\u003c";
    } else {
      made += c;
    }
  }
  return made;
}

namespace {

Result<void> write_to(const Output& out, const Page& page) {
  std::string_view skeleton = texts::page_html;
  const auto up_to = [&](std::string_view mark) -> Result<void> {
    const std::size_t at = skeleton.find(mark);
    FURROW_TRY(out(skeleton.substr(0, at)));
    skeleton.remove_prefix(at + mark.size());
    return {};
  };
  FURROW_TRY(up_to("<!--title-->"));
  FURROW_TRY(out(html_text(page.title)));
  FURROW_TRY(up_to("<!--style-->"));
  FURROW_TRY(write_style(out, page));
  FURROW_TRY(up_to("<!--data-->"));
  FURROW_TRY(write_data(out, page));
  FURROW_TRY(up_to("<!--script-->"));
  FURROW_TRY(write_script(out, page.kind));
  return out(skeleton);
}

}  // namespace

Result<void> write_page(const std::string& path, const Page& page) {
  auto file = FURROW_TRY(os::ReplacingFile::create(path));
  FURROW_TRY(write_to([&](std::string_view text) { return file->write(text); }, page));
  return file->finish();
}

Result<std::string> page_text(const Page& page) {
  std::string made;
  FURROW_TRY(write_to(
      [&](std::string_view text) {
        made += text;
        return Result<void>();
      },
      page));
  return made;
}

}  // namespace furrow::report
