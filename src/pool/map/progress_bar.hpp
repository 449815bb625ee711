// One line on standard error that shows how far a map is; nothing at all where that is no terminal.
//
// Used by one thread, the map's caller.
#pragma once

#include "furrow/options.hpp"

namespace furrow::pool {

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar() { erase(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // EARLIER: items that a resume file had; they say nothing about the speed.
  void draw(const ProgressUpdate& update, std::uint64_t earlier);
  void erase();

 private:
  bool on_terminal_;
  bool shown_ = false;
};

}  // namespace furrow::pool
