// Any text as a template, with any values: it is rejected or it parses and renders, and a plain command has
// the same words with and without shell quoting.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "command/template/template.hpp"

namespace {

// The words of a command whose only special characters are quotes and blanks.
std::vector<std::string> words_of(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false;
  char quote = 0;
  for (const char c : command) {
    if (quote ? c == quote : c == '\'' || c == '"') {
      quote = quote ? '\0' : c;
      begun = true;
    } else if (!quote && (c == ' ' || c == '\t')) {
      if (begun) words.push_back(word);
      word.clear();
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (begun) words.push_back(word);
  return words;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace furrow::command;
  if (size < 1) return 0;
  const unsigned flags = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  TemplateOptions options;
  options.plus = flags & 1;
  options.quote_words = flags & 2;
  options.repeat_context = flags & 4;
  options.append_value = flags & 8;
  options.no_values = flags & 16;
  if (flags & 32) options.names = {"a", "ab", "x y"};
  const std::string command(take_line(text));
  Arguments values;
  for (int i = 0; i < 4 && !text.empty(); ++i) values.add(take_line(text));

  const auto parsed = CommandTemplate::parse({command, "{}"}, options);
  if (!parsed) return 0;
  const RenderContext context{12, 345, 6, 7, 89};
  const std::string rendered = parsed->render(values, context);
  if (parsed->plain_program().empty()) return 0;
  std::vector<std::string> argv;
  parsed->render_argv(values, context, argv);
  if (argv != words_of(rendered)) std::abort();
  return 0;
}
