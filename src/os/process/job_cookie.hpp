// The cookie that the processes of a run's jobs inherit: FURROW_JOB=RUN.TAG in their environment. RUN is the id of
// the run, TAG the attempt. By it the watchdog and the next run recognize processes of a killed run, whatever group
// or session they have moved to. The cookie of an engine that is itself a job of another run follows the cookie of
// that job: "OUTER INNER".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace furrow::os {

// TAG: use of a slot << 32 | slot. Two values are special: of the evaluator, and of an attempt that has no slot in
// the run's table.
constexpr std::uint64_t kTagOfEvaluator = 0, kTagWithoutSlot = ~std::uint64_t{0};

constexpr const char* kCookieVariable = "FURROW_JOB";

std::string new_run_id();  // 16 hexadecimal digits, drawn at random

// "FURROW_JOB=..." for the environment of a process. It ends in the kTagDigits digits of the tag.
std::string cookie_entry(std::string_view run, std::uint64_t tag);
constexpr std::size_t kTagDigits = 16;
void write_tag(char* digits, std::uint64_t tag);
bool is_cookie_entry(std::string_view entry);

// The tag of RUN in an environment block ("A=1\0B=2\0"); nullopt if the process is not of that run.
std::optional<std::uint64_t> tag_in(std::string_view environment, std::string_view run);

}  // namespace furrow::os
