#include "harness/cli/usage.h"

#include <string_view>

#include <fmt/format.h>

#include "harness/yaml/reader.h"

namespace harness::cli {
namespace {

bool is_gtest_flag(const std::string& word) {
  return word.starts_with("--gtest_");
}

// "windows check " as it is typed; empty for the program itself.
std::string path_of(const CLI::App& verb) {
  const CLI::App* parent = verb.get_parent();
  return parent == nullptr ? "" : path_of(*parent) + verb.get_name() + " ";
}

const CLI::App& last_verb(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : last_verb(*parsed.back());
}

std::vector<std::string> options_of(const CLI::App& verb) {
  std::vector<std::string> out;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      out.push_back("--" + name);
    }
  }
  return out;
}

std::vector<std::string> verbs_of(const CLI::App& verb) {
  std::vector<std::string> out;
  for (const CLI::App* sub : verb.get_subcommands([](const CLI::App*) { return true; })) {
    out.push_back(sub->get_name());
  }
  return out;
}

Error unknown(const CLI::App& verb, const std::string& word) {
  const bool option = word.starts_with('-');
  const std::string name = option ? word.substr(0, word.find('=')) : word;
  return {ErrorCode::invalid_input,
          fmt::format("{0}{1} '{2}'{3}; `hookshot {0}--help` has all that it takes{4}",
                      path_of(verb),
                      verb.get_parent() == nullptr ? "there is no" : "takes no",
                      name,
                      yaml::hint(name, option ? options_of(verb) : verbs_of(verb)),
                      verb.get_allow_extras() && option
                          ? ", and what follows -- are GoogleTest's own flags"
                          : "")};
}

// The verb that was left with a word it does not know.
const CLI::App* left_with(const CLI::App& app, std::string& word) {
  for (const std::string& one : app.remaining()) {
    if (one != "--" && !(app.get_allow_extras() && is_gtest_flag(one))) {
      word = one;
      return &app;
    }
  }
  for (const CLI::App* sub : app.get_subcommands()) {
    if (const CLI::App* found = left_with(*sub, word)) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace

Error wrong_usage(const CLI::App& app, const CLI::ParseError& problem) {
  const bool word_may_be_why = dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr ||
                               dynamic_cast<const CLI::RequiredError*>(&problem) != nullptr;
  std::string word;
  if (const CLI::App* verb = word_may_be_why ? left_with(app, word) : nullptr) {
    return unknown(*verb, word);
  }
  return {ErrorCode::invalid_input,
          fmt::format("{}; `hookshot {}--help` has all that it takes",
                      problem.what(),
                      path_of(last_verb(app)))};
}

Status only_gtest_flags(const CLI::App& run, const std::vector<std::string>& extras) {
  for (const std::string& word : extras) {
    if (!is_gtest_flag(word)) {
      return tl::unexpected(unknown(run, word));
    }
  }
  return {};
}

}  // namespace harness::cli
