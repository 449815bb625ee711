// A run as texts for programs: JSON and CSV (docs/report.md has the fields), and the data of the page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/runs/run_picture.hpp"

namespace furrow::report {

struct PictureTexts {
  std::string folder{};   // in which the run works, for people; logs are looked for in it
  std::string version{};  // of this program
  double made_at = 0;
};

std::string run_json(const RunPicture& picture, const PictureTexts& about);
std::string run_csv(const RunPicture& picture);
std::vector<std::pair<std::string, std::string>> page_data(const RunPicture& picture,
                                                           const PictureTexts& about);

}  // namespace furrow::report
