// A report as one HTML file that needs no other file and no network: a skeleton, style and script (page/), data as JSON,
// and the contents of files in base64, which the script decodes only when they are looked at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace furrow::report {

// What a page is about: its sections.
enum class PageKind : std::uint8_t { kResults, kRun, kDashboard };

struct Page {
  std::string title;
  std::string stylesheet;                                 // of the user, behind the page's own
  std::vector<std::pair<std::string, std::string>> data;  // name and JSON
  std::vector<std::pair<std::string, std::string>>
      files;  // id, and the path of a file that goes into the page
  PageKind kind = PageKind::kResults;
};

// The file appears when it is complete.
Result<void> write_page(const std::string& path, const Page& page);

// The same as a text.
Result<std::string> page_text(const Page& page);

// Texts as they can stand in HTML.
std::string html_text(std::string_view text);
std::string script_json(std::string_view json);

}  // namespace furrow::report
