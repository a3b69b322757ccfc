// What a verb prints on standard output, and whether it arrived there.
//
// Writing never throws and never ends a verb: nodes are healed and folders written whatever became
// of the text. hookshot's end tells of what is lost.
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "harness/base/json.h"

namespace harness::cli {

void print_text(std::string_view text);

template <typename... Values>
void print_out(fmt::format_string<Values...> format, Values&&... values) {
  print_text(fmt::format(format, std::forward<Values>(values)...));
}

// Bytes that are no UTF-8 are replaced.
void print_json(const Json& json);
// The same in one line.
void print_json_line(const Json& json);

// The exit status of a verb that ended with `status` and lost something of what it was asked for: a
// success is none any more, and neither is a case without proof.
int status_of_loss(int status);

// The last that is done with standard output. What did not arrive is told on standard error, and
// makes of `status` what status_of_loss says.
int end_output(int status);

}  // namespace harness::cli
