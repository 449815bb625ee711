#include "text/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <limits>

namespace furrow::text {

namespace {

constexpr unsigned kParseFlags = rapidjson::kParseInsituFlag | rapidjson::kParseNanAndInfFlag;

// Passes everything on to the document, and stops at text that is nested too deeply for a recursive reader.
class BoundedDepth {
 public:
  using Ch = char;
  using Size = rapidjson::SizeType;
  explicit BoundedDepth(rapidjson::Document& out) : out_(out) {}

  bool Null() { return out_.Null(); }
  bool Bool(bool value) { return out_.Bool(value); }
  bool Int(int value) { return out_.Int(value); }
  bool Uint(unsigned value) { return out_.Uint(value); }
  bool Int64(std::int64_t value) { return out_.Int64(value); }
  bool Uint64(std::uint64_t value) { return out_.Uint64(value); }
  bool Double(double value) { return out_.Double(value); }
  bool RawNumber(const Ch* text, Size size, bool copy) { return out_.RawNumber(text, size, copy); }
  bool String(const Ch* text, Size size, bool copy) { return out_.String(text, size, copy); }
  bool Key(const Ch* text, Size size, bool copy) { return out_.Key(text, size, copy); }
  bool StartObject() { return ++depth_ <= kMaxDepth && out_.StartObject(); }
  bool StartArray() { return ++depth_ <= kMaxDepth && out_.StartArray(); }
  bool EndObject(Size count) { return --depth_, out_.EndObject(count); }
  bool EndArray(Size count) { return --depth_, out_.EndArray(count); }

 private:
  rapidjson::Document& out_;
  int depth_ = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether these digits are an integer of more than 64 bits, which the reader would round or refuse.
bool is_big(std::string_view digits, bool is_negative) {
  const std::string_view largest = is_negative ? "9223372036854775808" : "18446744073709551615";
  return digits.size() > largest.size() || (digits.size() == largest.size() && digits > largest);
}

bool may_hold_big_integer(std::string_view text) {
  constexpr std::size_t kFewest = 19;
  for (std::size_t at = kFewest - 1; at < text.size(); at += kFewest) {
    if (!is_digit(text[at])) continue;
    std::size_t begin = at, end = at;
    while (begin > 0 && is_digit(text[begin - 1])) --begin;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end - begin >= kFewest) return true;
  }
  return false;
}

// Puts quotes around integers of more than 64 bits, so that they become strings of digits.
std::string with_big_integers_quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\';
      at = std::min(at + 1, text.size());
    } else if (text[at] == '-' || is_digit(text[at])) {
      const std::size_t digits = at += text[at] == '-';
      while (at < text.size() && is_digit(text[at])) ++at;
      const bool is_integer = at == text.size() || (text[at] != '.' && text[at] != 'e' && text[at] != 'E');
      if (is_integer && digits < at && text[digits] != '0' &&
          is_big(text.substr(digits, at - digits), digits > begin)) {
        out.append(1, '"').append(text.substr(begin, at - begin)).append(1, '"');
        continue;
      }
      while (at < text.size() && std::string_view("0123456789.eE+-").find(text[at]) != std::string_view::npos)
        ++at;
    } else {
      ++at;
    }
    out.append(text.substr(begin, at - begin));
  }
  return out;
}

std::string reason_of(const rapidjson::ParseResult& result) {
  if (result.Code() == rapidjson::kParseErrorTermination) return "it is nested too deeply";
  return rapidjson::GetParseError_En(result.Code());
}

}  // namespace

Result<JsonDocument> JsonDocument::parse(std::string text, const std::string& what) {
  // The reader counts in 32 bits.
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return fail(what + " is larger than 4 GiB");
  if (may_hold_big_integer(text)) text = with_big_integers_quoted(text);
  JsonDocument result;
  result.text_ = std::make_unique<std::string>(std::move(text));
  result.document_ = std::make_unique<rapidjson::Document>();
  rapidjson::Reader reader;
  rapidjson::ParseResult parsed;
  rapidjson::InsituStringStream stream(result.text_->data());
  const auto fill = [&](rapidjson::Document& document) {
    BoundedDepth handler(document);
    parsed = reader.Parse<kParseFlags>(stream, handler);
    // The stream ends at the first zero byte, which need not be the end of the text.
    if (!parsed.IsError() && stream.Tell() < result.text_->size()) {
      parsed.Set(rapidjson::kParseErrorDocumentRootNotSingular, stream.Tell());
    }
    return !parsed.IsError();
  };
  result.document_->Populate(fill);
  if (parsed.IsError()) {
    Error error{what + " is not JSON: " + reason_of(parsed) + " (at byte " + std::to_string(parsed.Offset()) +
                ")"};
    // Reading in place changes strings only, and they hold no line ends.
    error.line = 1 + static_cast<int>(std::count(
                         result.text_->begin(),
                         result.text_->begin() + static_cast<std::ptrdiff_t>(parsed.Offset()), '\n'));
    return fail(std::move(error));
  }
  return result;
}

const JsonValue* member(const JsonValue& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || found->value.IsNull()) return nullptr;
  return &found->value;
}

std::string to_text(const JsonValue& value) {
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace furrow::text
