// Structs as JSON objects, by a table of fields that both reading and writing follow.
//
//   constexpr auto kUsageFields =
//       std::tuple(field("wall_s", &Usage::wall_s), field("user_s", &Usage::user_s));
//   write_fields(json, usage, kUsageFields);   // inside an object that has been started
//   read_fields(object, usage, kUsageFields);
//
// A member that is missing or has another type leaves the field unchanged, so a format can gain members with
// defaults. The table holds the member names used on disk and on the wire, so a table is a format: see
// docs/design/. Stateless, so thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "text/json.hpp"

namespace furrow::text {

// How a type is written in JSON. Specialize it, or give a field its own codec.
template <class T>
struct JsonCodec;

template <class T>
  requires std::is_integral_v<T>
struct JsonCodec<T> {
  static void write(JsonWriter& json, T value) {
    if constexpr (std::is_same_v<T, bool>) {
      json.Bool(value);
    } else if constexpr (std::is_unsigned_v<T>) {
      json.Uint64(value);
    } else {
      json.Int64(value);
    }
  }
  static void read(const JsonValue& json, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      if (json.IsBool()) value = json.GetBool();
    } else if constexpr (std::is_unsigned_v<T>) {
      if (json.IsUint64() && std::in_range<T>(json.GetUint64())) value = static_cast<T>(json.GetUint64());
    } else {
      if (json.IsInt64() && std::in_range<T>(json.GetInt64())) value = static_cast<T>(json.GetInt64());
    }
  }
};

template <>
struct JsonCodec<double> {
  static void write(JsonWriter& json, double value) { json.Double(value); }
  static void read(const JsonValue& json, double& value) {
    if (json.IsNumber()) value = json.GetDouble();
  }
};

template <>
struct JsonCodec<std::string> {
  static void write(JsonWriter& json, const std::string& value) { text::write(json, value); }
  static void read(const JsonValue& json, std::string& value) {
    if (json.IsString()) value = view(json);
  }
};

template <class T>
struct JsonCodec<std::optional<T>> {
  static void write(JsonWriter& json, const std::optional<T>& value) {
    if (value) {
      JsonCodec<T>::write(json, *value);
    } else {
      json.Null();
    }
  }
  static void read(const JsonValue& json, std::optional<T>& value) {
    if (!json.IsNull()) JsonCodec<T>::read(json, value.emplace());
  }
};

template <class A, class B>
struct JsonCodec<std::pair<A, B>> {
  static void write(JsonWriter& json, const std::pair<A, B>& value) {
    json.StartArray();
    JsonCodec<A>::write(json, value.first);
    JsonCodec<B>::write(json, value.second);
    json.EndArray();
  }
  static void read(const JsonValue& json, std::pair<A, B>& value) {
    if (!json.IsArray() || json.Size() != 2) return;
    JsonCodec<A>::read(json[0], value.first);
    JsonCodec<B>::read(json[1], value.second);
  }
};

template <class T>
struct JsonCodec<std::vector<T>> {
  static void write(JsonWriter& json, const std::vector<T>& values) {
    json.StartArray();
    for (const T& value : values) JsonCodec<T>::write(json, value);
    json.EndArray();
  }
  static void read(const JsonValue& json, std::vector<T>& values) {
    if (!json.IsArray()) return;
    values.clear();
    values.reserve(json.Size());
    for (const JsonValue& value : json.GetArray()) JsonCodec<T>::read(value, values.emplace_back());
  }
};

// A number written as a string of 16 hexadecimal digits, since many JSON readers turn numbers into doubles.
struct HexCodec {
  static void write(JsonWriter& json, std::uint64_t value);
  static void read(const JsonValue& json, std::uint64_t& value);
};

enum class Presence : std::uint8_t { kAlways, kUnlessDefault };

template <class Struct, class T, class Codec>
struct JsonField {
  const char* name;
  T Struct::*member;
  Presence presence;
};

template <class Struct, class T>
constexpr JsonField<Struct, T, JsonCodec<T>> field(const char* name, T Struct::*member) {
  return {name, member, Presence::kAlways};
}
// Written only where it differs from that of a new Struct.
template <class Struct, class T>
constexpr JsonField<Struct, T, JsonCodec<T>> optional_field(const char* name, T Struct::*member) {
  return {name, member, Presence::kUnlessDefault};
}
template <class Codec, class Struct, class T>
constexpr JsonField<Struct, T, Codec> field_as(const char* name, T Struct::*member) {
  return {name, member, Presence::kAlways};
}
template <class Codec, class Struct, class T>
constexpr JsonField<Struct, T, Codec> optional_field_as(const char* name, T Struct::*member) {
  return {name, member, Presence::kUnlessDefault};
}

// A member whose fields are written into the same object, without one of its own.
template <class Struct, class T, class Table>
struct InlineFields {
  T Struct::*member;
  const Table* table;
};
template <class Struct, class T, class Table>
constexpr InlineFields<Struct, T, Table> inline_fields(T Struct::*member, const Table& table) {
  return {member, &table};
}

template <class Struct, class... Fields>
void write_fields(JsonWriter& json, const Struct& from, const std::tuple<Fields...>& table);
template <class Struct, class... Fields>
void read_fields(const JsonValue& object, Struct& to, const std::tuple<Fields...>& table);

namespace detail {

template <class Struct, class T, class Codec>
void write_field(JsonWriter& json, const Struct& from, const JsonField<Struct, T, Codec>& field) {
  static const Struct kDefault{};
  const T& value = from.*field.member;
  if (field.presence == Presence::kUnlessDefault && value == kDefault.*field.member) return;
  json.Key(field.name);
  Codec::write(json, value);
}
template <class Struct, class T, class Table>
void write_field(JsonWriter& json, const Struct& from, const InlineFields<Struct, T, Table>& field) {
  write_fields(json, from.*field.member, *field.table);
}

template <class Struct, class T, class Codec>
void read_field(const JsonValue& object, Struct& to, const JsonField<Struct, T, Codec>& field) {
  if (const JsonValue* const value = member(object, field.name)) Codec::read(*value, to.*field.member);
}
template <class Struct, class T, class Table>
void read_field(const JsonValue& object, Struct& to, const InlineFields<Struct, T, Table>& field) {
  read_fields(object, to.*field.member, *field.table);
}

}  // namespace detail

template <class Struct, class... Fields>
void write_fields(JsonWriter& json, const Struct& from, const std::tuple<Fields...>& table) {
  std::apply([&](const Fields&... fields) { (detail::write_field(json, from, fields), ...); }, table);
}

template <class Struct, class... Fields>
void read_fields(const JsonValue& object, Struct& to, const std::tuple<Fields...>& table) {
  std::apply([&](const Fields&... fields) { (detail::read_field(object, to, fields), ...); }, table);
}

template <class T>
void write_field(JsonWriter& json, const char* name, const T& value) {
  json.Key(name);
  JsonCodec<T>::write(json, value);
}
template <class T>
T read_field(const JsonValue& object, const char* name, T fallback = {}) {
  if (const JsonValue* const value = member(object, name)) JsonCodec<T>::read(*value, fallback);
  return fallback;
}

// The text of one object, whose members are written by MEMBERS.
std::string json_object(const std::function<void(JsonWriter& json)>& members);

}  // namespace furrow::text
