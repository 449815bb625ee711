// A command, tag or file name with replacement strings, parsed once and rendered for each job.
//
//   {} {.} {/} {//} {/.}       the value, without extension, its base name, its folder, base name without
//   extension {1} {-1} {2.} {1//} {name} one value, by position or header name, with any of the above
//   {#} {%} {seed}             the job's number, its slot, its seed
//   {##} {0#} {0%} {..} {+/} {:3} {%.gz} {^a}...   with --plus
//
// Values are quoted for the shell, whatever bytes they hold, unless `quote` is off. Text that only looks like
// a replacement string stays as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/arguments.hpp"

namespace furrow::command {

struct TemplateOptions {
  std::vector<std::string> names{};  // of the columns, from the header
  std::string value_string = "{}";   // -I
  bool plus = false;                 // --plus
  bool quote = true;                 // values are quoted for the shell
  bool quote_words = false;          // -q: the words of the template are too
  bool repeat_context =
      false;  // with several records: repeat the word around {} (-X, -n, -N), not only the value (-m)
  bool append_value = false;  // add " {}" where no value is used (the command; not a tag or a file name)
  bool no_values = false;     // -n0, -N0: each value is replaced by nothing
};

struct RenderContext {
  std::uint64_t seq = 1;    // {#}
  std::uint64_t total = 0;  // {##}; known only if all input was read first: see uses_total()
  unsigned slot = 1;        // {%}
  unsigned slots = 1;       // for the width of {0%}
  std::uint64_t seed = 0;   // {seed}: see job_key.hpp
};

class CommandTemplate {
 public:
  CommandTemplate();  // renders to nothing

  // WORDS are joined by blanks, as the shell would have separated them. An error names what is not supported
  // ({= =}) or malformed.
  static Result<CommandTemplate> parse(const std::vector<std::string>& words, const TemplateOptions& options);

  // Appends to OUT.
  void render(const Arguments& values, const RenderContext& context, std::string& out) const;
  std::string render(const Arguments& values, const RenderContext& context) const;

  // The program's name, if the text of the template has no syntax of a shell: then a job can be started with
  // the arguments of `render_argv`, and no shell. Empty: the command needs a shell. The caller still must
  // know the name as no builtin or function.
  std::string_view plain_program() const;
  void render_argv(const Arguments& values, const RenderContext& context,
                   std::vector<std::string>& argv) const;

  // {uniq}, {choose_k}: whether there is a job for VALUES at all. make_batches() leaves out those for which
  // there is none.
  bool may_skip() const;
  bool skips(const Arguments& values) const;

  bool uses_values() const;
  bool uses_slot() const;
  bool uses_seed() const;
  bool uses_total() const;
  const std::string& text() const;  // as written, for people and messages
  std::uint64_t identity() const;   // of the text, and of the options that change what it means

 private:
  struct Parsed;
  std::shared_ptr<const Parsed> parsed_;  // copies share it
};

}  // namespace furrow::command
