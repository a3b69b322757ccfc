#include "harness/power/control.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/base/redact.h"

namespace harness::power {
namespace {

constexpr std::size_t kSaidLimit = 500;
constexpr std::array<std::string_view, 3> kOn = {"on", "running", "up"};
constexpr std::array<std::string_view, 5> kOff = {"off", "stopped", "shut", "down", "poweredoff"};

std::string filled(std::string word, const Node& node) {
  for (const auto& [place, value] :
       {std::pair<std::string, std::string>{"{address}", node.address}, {"{name}", node.name}}) {
    for (std::size_t at = word.find(place); at != std::string::npos;
         at = word.find(place, at + value.size())) {
      word.replace(at, place.size(), value);
    }
  }
  return word;
}

// The word behind it is a password in ipmitool's, and in most others' words.
bool announces_secret(const std::string& word) {
  return word == "-P" || word == "--password" || word == "--passwd";
}

std::vector<std::string> secrets_of(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (announces_secret(words[i - 1])) {
      out.push_back(words[i]);
    }
  }
  return out;
}

std::string without(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    for (std::size_t at = text.find(secret); !secret.empty() && at != std::string::npos;
         at = text.find(secret, at)) {
      text.replace(at, secret.size(), "[redacted]");
      at += std::string_view("[redacted]").size();
    }
  }
  return text;
}

std::string one_line(const std::string& text, const std::vector<std::string>& secrets) {
  std::string out = redact(without(text, secrets));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < ' '; }, ' ');
  out.erase(out.find_last_not_of(' ') + 1);
  if (out.size() > kSaidLimit) {
    out.replace(kSaidLimit, std::string::npos, "...");
  }
  return out;
}

std::string shown_words(std::vector<std::string> words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (announces_secret(words[i - 1])) {
      words[i] = "[redacted]";
    }
  }
  return redact(exec::describe({.argv = std::move(words)}));
}

std::vector<std::string> argv_for(const std::vector<std::string>& words, const Node& node) {
  std::vector<std::string> argv;
  std::ranges::transform(
      words, std::back_inserter(argv), [&](const std::string& word) { return filled(word, node); });
  return argv;
}

}  // namespace

std::string_view to_string(State state) {
  return state == State::on ? "on" : "off";
}

Result<State> state_from(std::string_view text) {
  bool on = false;
  bool off = false;
  std::string word;
  const auto take = [&] {
    on = on || std::ranges::find(kOn, word) != kOn.end();
    off = off || std::ranges::find(kOff, word) != kOff.end();
    word.clear();
  };
  for (const unsigned char c : text) {
    if (std::isalnum(c) != 0 || c == '_') {
      word += static_cast<char>(std::tolower(c));
    } else {
      take();
    }
  }
  take();
  if (on != off) {
    return on ? State::on : State::off;
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("`power.state` must print one of the words {}, or one of {}, and not "
                          "both; it printed '{}'",
                          fmt::join(kOn, ", "),
                          fmt::join(kOff, ", "),
                          one_line(std::string(text), {})));
}

Json Settled::to_json() const {
  return {{"begun_us", begun_us},
          {"ended_us", ended_us},
          {"seen_us", seen_us},
          {"tries", tries},
          {"command", command},
          {"said", said}};
}

std::string Control::shown(const Node& node, State wanted) const {
  return shown_words(argv_for(words_of(wanted), node));
}

Result<std::string> Control::run(const std::string& which,
                                 const std::vector<std::string>& words,
                                 const Node& node,
                                 Deadline deadline) const {
  const std::vector<std::string> argv = argv_for(words, node);
  const std::vector<std::string> secrets = secrets_of(argv);
  const std::string doing =
      fmt::format("power.{} of {} (`{}`)", which, node.name, shown_words(argv));
  const auto ran = runner_.run({.argv = argv}, deadline.at_most(options_.command_limit));
  if (!ran) {
    return fail(ran.error().code(),
                fmt::format("{}: {}", doing, one_line(ran.error().message(), secrets)));
  }
  if (!ran->ok()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} ended with {} {}: {}",
                            doing,
                            ran->signal != 0 ? "signal" : "status",
                            ran->signal != 0 ? ran->signal : ran->exit_status,
                            one_line(ran->out + " " + ran->err, secrets)));
  }
  return one_line(ran->out + " " + ran->err, secrets);
}

Result<State> Control::state(const Node& node, Deadline deadline) const {
  TRY_ASSIGN(const std::string said, run("state", commands_.state, node, deadline), "");
  TRY_ASSIGN(const State state, state_from(said), "power.state of " + node.name);
  return state;
}

Result<Settled> Control::bring(const Node& node,
                               State wanted,
                               Deadline deadline,
                               std::stop_token stop) const {
  const std::string which(to_string(wanted));
  Settled out{.command = shown(node, wanted), .said = {}};
  std::string problem;
  Deadline again = Deadline::after(std::chrono::nanoseconds(0));
  const auto look = [&]() -> Result<Observation> {
    if (again.passed()) {
      const std::int64_t begun = wall_now_us();
      const auto ran = run(which, words_of(wanted), node, deadline);
      ++out.tries;
      if (out.begun_us == 0) {
        out.begun_us = begun;
        out.ended_us = wall_now_us();
      }
      out.said = ran.value_or("");
      problem = ran ? "" : ran.error().message();
      if (!ran && ran.error().code() == ErrorCode::not_supported) {
        return fail(ran.error());
      }
      again = Deadline::after(options_.again_after);
    }
    const auto now = state(node, deadline);
    out.seen_us = wall_now_us();
    const std::string seen =
        now ? "the power is " + std::string(to_string(*now)) : now.error().message();
    return Observation{.done = now && *now == wanted,
                       .seen = problem.empty() ? seen : problem + "; " + seen};
  };
  TRY(eventually(fmt::format("the power of {} is {}", node.name, which),
                 deadline,
                 options_.look_period,
                 look,
                 std::move(stop)),
      "power");
  return out;
}

}  // namespace harness::power
