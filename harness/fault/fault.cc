#include "harness/fault/fault.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/names.h"
#include "harness/base/time.h"

namespace harness::fault {
namespace {

constexpr std::size_t kMaxDigits = 15;

std::map<std::string_view, FaultSpec>& mutable_registry() {
  static std::map<std::string_view, FaultSpec> all;
  return all;
}

// A refused value is shown, but never raw: it may be meant for a terminal.
std::string shown(std::string_view value) {
  std::string text;
  for (const char c : value.substr(0, 60)) {
    text += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
  }
  return "'" + text + "'";
}

Microseconds milliseconds(std::int64_t count) {
  return std::chrono::milliseconds(count);
}

bool bounded(const ParamSpec& param) {
  return param.least != 0 || param.most != 0;
}

bool within(const ParamSpec& param, std::int64_t value) {
  return !bounded(param) || (value >= param.least && value <= param.most);
}

std::string takes(const ParamSpec& param) {
  switch (param.type) {
    case ParamType::choice:
      return fmt::format("one of {}", fmt::join(param.choices, ", "));
    case ParamType::duration:
      return bounded(param) ? fmt::format("a duration from {} to {}",
                                          format_duration(milliseconds(param.least)),
                                          format_duration(milliseconds(param.most)))
                            : std::string("a duration such as 500ms, 15s or 2m");
    case ParamType::integer:
      return fmt::format(
          "a whole number{}{}",
          param.unit.empty() ? "" : fmt::format(" of {}", param.unit),
          bounded(param) ? fmt::format(" from {} to {}", param.least, param.most) : std::string());
    case ParamType::host:
      return "a host name in small letters or an address, with :port where it has one";
  }
  return {};
}

bool acceptable(const ParamSpec& param, const std::string& value) {
  switch (param.type) {
    case ParamType::choice:
      return std::find(param.choices.begin(), param.choices.end(), value) != param.choices.end();
    case ParamType::duration: {
      const auto length = parse_duration(value);
      return length && (!bounded(param) || (*length >= milliseconds(param.least) &&
                                            *length <= milliseconds(param.most)));
    }
    case ParamType::integer:
      return !value.empty() && value.size() <= kMaxDigits &&
             std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
             within(param, std::atoll(value.c_str()));
    case ParamType::host:
      return host_port_of(value).has_value();
  }
  return false;
}

std::string names_of(const std::vector<ParamSpec>& params) {
  std::vector<std::string_view> names;
  for (const ParamSpec& param : params) {
    names.push_back(param.name);
  }
  return params.empty() ? "it takes none" : fmt::format("it takes {}", fmt::join(names, ", "));
}

std::string params_column(const FaultSpec& spec) {
  std::vector<std::string> cells;
  for (const ParamSpec& param : spec.params) {
    std::string values = param.type == ParamType::choice
                             ? fmt::format("{}", fmt::join(param.choices, ", "))
                             : std::string(to_string(param.type));
    cells.push_back(fmt::format("`{}`: {}{}",
                                param.name,
                                values,
                                param.fallback.empty()
                                    ? std::string(" (required)")
                                    : fmt::format(" (default {})", param.fallback)));
  }
  return cells.empty() ? "-" : fmt::format("{}", fmt::join(cells, "; "));
}

}  // namespace

std::string_view to_string(ParamType type) {
  switch (type) {
    case ParamType::choice:
      return "choice";
    case ParamType::duration:
      return "duration";
    case ParamType::integer:
      return "integer";
    case ParamType::host:
      return "host";
  }
  return {};
}

std::string Fault::describe() const {
  std::string text = name;
  for (const auto& [key, value] : params) {
    text += " " + key + "=" + value;
  }
  return text;
}

FaultRegistration::FaultRegistration(FaultSpec spec) {
  const std::string_view name = spec.name;
  if (!mutable_registry().emplace(name, std::move(spec)).second) {
    fmt::print(stderr, "two faults are called {}\n", name);
    std::abort();
  }
}

const std::map<std::string_view, FaultSpec>& registry() {
  return mutable_registry();
}

Result<Params> complete(const FaultSpec& spec, const Params& given) {
  for (const auto& entry : given) {
    const std::string& name = entry.first;
    const auto known = std::find_if(spec.params.begin(),
                                    spec.params.end(),
                                    [&](const ParamSpec& param) { return param.name == name; });
    if (known == spec.params.end()) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format("{} has no parameter {}; {}", spec.name, shown(name), names_of(spec.params)));
    }
  }
  Params all;
  for (const ParamSpec& param : spec.params) {
    const auto found = given.find(param.name);
    const std::string value = found == given.end() ? std::string(param.fallback) : found->second;
    if (found == given.end() && param.fallback.empty()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} needs {}: {}", spec.name, param.name, takes(param)));
    }
    if (!acceptable(param, value)) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format(
              "{}: {} cannot be {}; it is {}", spec.name, param.name, shown(value), takes(param)));
    }
    all.emplace(param.name, value);
  }
  return all;
}

Result<Fault> make_fault(std::string_view name, const Params& given) {
  const auto spec = registry().find(name);
  if (spec == registry().end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, unused] : registry()) {
      names.push_back(known);
    }
    return fail(
        ErrorCode::invalid_input,
        fmt::format("there is no fault {}; there are {}", shown(name), fmt::join(names, ", ")));
  }
  auto params = complete(spec->second, given);
  if (!params) {
    return fail(std::move(params).error());
  }
  Fault fault = spec->second.make(*params);
  fault.name = name;
  fault.params = std::move(*params);
  return fault;
}

Result<Params> parse_params(const std::vector<std::string>& words) {
  Params params;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} is not of the form name=value", shown(word)));
    }
    if (!params.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} is given twice", shown(word.substr(0, equals))));
    }
  }
  return params;
}

std::string show(const FaultSpec& spec) {
  std::string text = fmt::format("{} - {}\n\n", spec.name, spec.summary);
  if (spec.params.empty()) {
    text += "Parameters: none\n";
  } else {
    text += "Parameters:\n";
    for (const ParamSpec& param : spec.params) {
      text += fmt::format("  {}  {}\n      {}, {}\n",
                          param.name,
                          param.summary,
                          takes(param),
                          param.fallback.empty() ? std::string("required")
                                                 : fmt::format("default {}", param.fallback));
    }
  }
  text += fmt::format(
      "\nMechanism: {}\nBlast radius: {}\nRKE2 by itself: {}\nSurvives a reboot: {}\n"
      "Undone by: {}\nEvidence: {}\n",
      spec.mechanism,
      spec.blast_radius,
      spec.rke2_itself,
      spec.survives_reboot,
      spec.undo,
      spec.evidence);
  if (!spec.notes.empty()) {
    text += fmt::format("\n{}\n", spec.notes);
  }
  return text;
}

std::string catalogue_markdown() {
  std::string text =
      "| fault | what it does | parameters | mechanism | blast radius | RKE2 by itself | survives "
      "a "
      "reboot | undone by | evidence |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const auto& [name, spec] : registry()) {
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                        name,
                        spec.summary,
                        params_column(spec),
                        spec.mechanism,
                        spec.blast_radius,
                        spec.rke2_itself,
                        spec.survives_reboot,
                        spec.undo,
                        spec.evidence);
  }
  return text;
}

}  // namespace harness::fault
