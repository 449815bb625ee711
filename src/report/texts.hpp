// The files of page/, as texts of the program (cmake/FurrowText.cmake).
#pragma once

#include <string_view>

namespace furrow::report::texts {

extern const std::string_view page_html, base_css, parts_css;
extern const std::string_view tools_js, tables_js, viewer_js, view_js, pages_js, run_pages_js, timeline_js,
    dashboard_js, main_js;

}  // namespace furrow::report::texts
