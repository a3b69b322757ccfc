// For tests only: an nft that keeps tables in memory, and a network namespace of the test's own
// with the machine's own nft.
#pragma once

#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "harness/guard/action_hold.h"

namespace harness::guard {

inline ArmRecord partition(const std::string& how = "drop",
                           const std::string& direction = "both",
                           std::vector<std::string> addresses = {"192.0.2.12", "2001:db8::12"}) {
  ArmRecord made;
  made.id = "h-1";
  made.action = {.kind = Action::Kind::partition,
                 .how = how,
                 .hold = std::chrono::milliseconds(1000),
                 .object = "etcd-peers",
                 .direction = direction,
                 .addresses = std::move(addresses)};
  return made;
}

inline ArmRecord dns(const std::string& how = "drop") {
  ArmRecord made;
  made.id = "h-2";
  made.action = {.kind = Action::Kind::dns, .how = how, .hold = std::chrono::milliseconds(1000)};
  return made;
}

class FakeNft {
 public:
  Means means() {
    return {.note =
                [this](const Json& kept) {
                  was_there_at_note = !tables.empty();
                  held = kept;
                  return noted;
                },
            .run = [this](const std::vector<std::string>& argv) { return ask(argv, {}); },
            .feed = [this](const std::vector<std::string>& argv,
                           const std::string& input,
                           std::chrono::milliseconds) { return ask(argv, input); },
            .reach =
                [this](const std::vector<Endpoint>& all) {
                  asked_at = all;
                  packets += packets_per_question;
                  return std::vector<Reach>(all.size(), reach);
                }};
  }

  std::map<std::string, std::string> tables;  // text, by name
  std::vector<std::string> asked;
  std::string last;  // text that was given, or words after one another
  std::vector<Endpoint> asked_at;
  Json held;
  Status noted;
  bool was_there_at_note = false;
  Reach reach = Reach::silent;
  int packets = 0;
  int packets_per_question = 1;
  bool deletes = true;
  // An answer of the test's own, by the words.
  std::function<std::optional<Result<Finished>>(const std::string& line)> instead =
      [](const std::string&) { return std::nullopt; };

 private:
  static Result<Finished> bad(const std::string& why) { return Finished{.status = 1, .err = why}; }

  Result<Finished> ask(const std::vector<std::string>& argv, const std::string& input) {
    const std::string line = fmt::format("{}", fmt::join(argv, " "));
    asked.push_back(line);
    if (auto own = instead(line)) {
      return *own;
    }
    if (line == "nft -f -") {
      return take(input);
    }
    if (line == "nft -j list tables") {
      Json list = Json::array({{{"metainfo", Json::object()}}});
      for (const auto& [name, text] : tables) {
        list.push_back({{"table", {{"family", "inet"}, {"name", name}}}});
      }
      return Finished{.out = Json{{"nftables", list}}.dump()};
    }
    const auto table = argv.size() > 3 ? tables.find(argv.back()) : tables.end();
    if (table == tables.end()) {
      return bad("Error: No such file or directory");
    }
    if (argv[1] == "delete") {
      if (deletes) {
        tables.erase(table);
      }
      return Finished{};
    }
    return Finished{.out = shown(table->first, table->second).dump()};
  }

  Result<Finished> take(const std::string& input) {
    last = input;
    std::istringstream words(input);
    std::string verb;
    std::string kind;
    std::string family;
    std::string name;
    std::string set;
    words >> verb >> kind >> family >> name >> set;
    if (verb == "create") {
      return tables.emplace(name, input).second ? Finished{} : bad("File exists");
    }
    if (tables.count(name) == 0) {
      return bad("No such file or directory");
    }
    tables[name] += input;
    return Finished{};
  }

  Json shown(const std::string& name, const std::string& text) const {
    Json list = Json::array({{{"table", {{"family", "inet"}, {"name", name}}}}});
    std::map<std::string, Json> sets;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string verb;
      std::string kind;
      std::string skip;
      std::string what;
      words >> verb >> kind >> skip >> skip >> what;
      if (kind == "set") {
        sets[what] = Json::array();
      } else if (kind == "chain") {
        list.push_back({{"chain", {{"hook", what}}}});
      } else if (kind == "rule" && line.find(" counter ") != std::string::npos) {
        list.push_back({{"rule", {{"expr", {{{"counter", {{"packets", packets}}}}}}}}});
      } else if (kind == "element") {
        for (std::string word; words >> word;) {
          if (word == "timeout") {
            words >> word;
          } else if (word.size() > 1) {
            word = word.ends_with(',') ? word.substr(0, word.size() - 1) : word;
            sets[what].push_back({{"elem", {{"val", word}, {"timeout", 5}, {"expires", 4}}}});
          }
        }
      }
    }
    for (const auto& [set, elements] : sets) {
      list.push_back({{"set", {{"name", set}, {"elem", elements}}}});
    }
    return {{"nftables", list}};
  }
};

// Does it in a thread that has a network of its own, with its loopback up; gone with the thread.
// Why it cannot be done here, else empty.
inline std::string in_own_network(const std::function<void()>& body) {
  std::string why;
  std::thread([&] {
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
      why = "no network namespace of its own: root is wanted";
      return;
    }
    const auto limit = std::chrono::seconds(10);
    for (const std::vector<std::string>& argv :
         {std::vector<std::string>{"ip", "link", "set", "lo", "up"}, {"nft", "list", "tables"}}) {
      const auto asked = spawn(argv, limit);
      if (!asked || !asked->ok()) {
        why = fmt::format(
            "{}: {}", fmt::join(argv, " "), asked ? asked->err : asked.error().message());
        return;
      }
    }
    body();
  }).join();
  return why;
}

}  // namespace harness::guard
