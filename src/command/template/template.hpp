// A command, tag or file name with replacement strings, parsed once and rendered for each job.
//
//   {} {.} {/} {//} {/.}       the value; without extension; base name; folder; base name without extension
//   {1} {-1} {2.} {1//} {name} one value, by position or header name, in any of these forms
//   {#} {%} {seed}             the job's number, its slot, its seed
//   {##} {0#} {0%} {..} {+/} {:3} {%.gz} {^a}...   with --plus
//
// Values of any bytes are quoted for the shell, unless `quote` is off. Text that only looks like a
// replacement string stays as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/arguments.hpp"
#include "command/template/quote.hpp"

namespace furrow::command {

struct TemplateOptions {
  // Of the columns, from the header.
  std::vector<std::string> names{};
  // -I
  std::string value_string = "{}";
  // --plus
  bool plus = false;
  // Values are quoted for the shell.
  bool quote = true;
  // For which shell.
  QuoteStyle quote_style = QuoteStyle::kPosix;
  // -q: the words of the template are quoted too.
  bool quote_words = false;
  // With several records: repeat the word around {} (-X, -n, -N), not only the value (-m).
  bool repeat_context = false;
  // Add " {}" if no value is used (for the command; not for a tag or a file name).
  bool append_value = false;
  // -n0, -N0: each value is replaced by nothing.
  bool no_values = false;
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

  // Joins WORDS with blanks, as the user wrote them. An error names what is unsupported ({= =}) or malformed.
  static Result<CommandTemplate> parse(const std::vector<std::string>& words, const TemplateOptions& options);

  // Appends to OUT.
  void render(const Arguments& values, const RenderContext& context, std::string& out) const;
  std::string render(const Arguments& values, const RenderContext& context) const;

  // The program's name, if the text of the template has no shell syntax: then a job can start with the
  // arguments of `render_argv`, without a shell. Empty if the command needs a shell. The caller must still
  // check that the name is not a shell builtin or function.
  std::string_view plain_program() const;
  void render_argv(const Arguments& values, const RenderContext& context,
                   std::vector<std::string>& argv) const;

  // {uniq}, {choose_k}: whether VALUES give no job. make_input_batches() leaves such combinations out.
  bool may_skip() const;
  bool skips(const Arguments& values) const;

  bool uses_values() const;
  bool uses_slot() const;
  bool uses_number() const;  // of the job, or of all jobs
  bool uses_seed() const;
  bool uses_total() const;
  const std::string& text() const;  // as written, for messages
  std::uint64_t identity() const;   // a hash of the text and of the options that change its meaning

 private:
  struct Parsed;
  std::shared_ptr<const Parsed> parsed_;  // copies share it
};

}  // namespace furrow::command
