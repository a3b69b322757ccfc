// The fuzzing of the guard's readers that every test run does, without clang: the corpus, and what
// a fixed seed mutates of it. scripts/fuzz makes up the rest.
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "harness/guard/action_rows.h"
#include "harness/guard/fuzzed.h"
#include "harness/guard/protocol.h"
#include "harness/guard/record_seeds.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(HOOKSHOT_SOURCE_DIR) / "harness/guard/fuzz";
constexpr std::uintmax_t kMostInAll = 200'000;
constexpr std::size_t kLongest = 16'384;

struct Input {
  std::string name;
  std::string bytes;
};

// A line each: a name and the input in base64.
std::vector<Input> corpus(const std::string& of) {
  std::ifstream file(kFolder / (of + ".txt"));
  EXPECT_TRUE(file) << of;
  std::vector<Input> out;
  std::set<std::string> names;
  for (std::string line; std::getline(file, line);) {
    const std::size_t gap = line.find(' ');
    const auto bytes = from_base64(
        gap == std::string::npos ? std::string_view("?") : std::string_view(line).substr(gap + 1));
    EXPECT_TRUE(bytes) << of << ".txt: '" << line.substr(0, 40) << "...'";
    out.push_back({line.substr(0, gap), bytes.value_or("")});
    EXPECT_TRUE(names.insert(out.back().name).second) << out.back().name << " is there twice";
  }
  EXPECT_FALSE(out.empty()) << of;
  return out;
}

// Where nothing is said of the library's distributions, as those differ between libraries.
class Mutation {
 public:
  explicit Mutation(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : engine_() % limit; }

  template <typename List>
  const auto& one_of(const List& list) {
    return *std::next(std::begin(list), static_cast<std::ptrdiff_t>(below(std::size(list))));
  }

  // One to four changes to the bytes.
  std::string of_bytes(const std::vector<Input>& all) {
    std::string out = one_of(all).bytes;
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      change(out, one_of(all).bytes);
    }
    out.resize(std::min(out.size(), kLongest));
    return out;
  }

  // The same of a JSON text's values and keys, so that what reads them is reached.
  std::string of_json(const std::vector<Input>& all) {
    Json out = parse_json(one_of(all).bytes).value_or(Json::object());
    const Json other = parse_json(one_of(all).bytes).value_or(Json::object());
    for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
      change(out, other);
    }
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

 private:
  void change(std::string& bytes, const std::string& other) {
    static constexpr std::uint64_t kNumbers[] = {
        0, 1, 7, 8, 264, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff};
    const std::size_t at = below(bytes.size());
    const std::size_t length = below(std::min<std::size_t>(bytes.size() - at, 64) + 1);
    switch (below(7)) {
      case 0:
        bytes.insert(at, other.substr(below(other.size()), 1 + below(64)));
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4: {
        const std::uint64_t number = below(2) == 0 ? one_of(kNumbers) : below(bytes.size() + 9);
        const std::size_t room = std::min(bytes.size() - at, sizeof number);
        std::memcpy(bytes.data() + at, &number, room);
        break;
      }
      default:
        if (!bytes.empty()) {
          bytes[at] = static_cast<char>(below(2) == 0 ? bytes[at] ^ (1 << below(8)) : below(256));
        }
    }
  }

  void change(Json& json, const Json& other) {
    static const Json kValues[] = {nullptr,
                                   true,
                                   -1,
                                   0,
                                   1,
                                   86'400'001,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   0.5,
                                   1e300,
                                   "",
                                   "h-1",
                                   "../x",
                                   "a\nb",
                                   "\xff",
                                   "next",
                                   std::string(200, 'a'),
                                   Json::array(),
                                   Json::array({1, "b"}),
                                   Json::object(),
                                   Json{{"log", "*"}}};
    Json* here = &json;
    while (here->is_structured() && !here->empty() && below(3) != 0) {
      here = &*std::next(here->begin(), static_cast<std::ptrdiff_t>(below(here->size())));
    }
    const Json theirs = other.is_structured() && !other.empty() ? one_of(other) : other;
    if (here->is_object() && below(2) == 0) {
      const std::string key =
          here->empty() || below(4) == 0
              ? "key"
              : std::next(here->begin(), static_cast<std::ptrdiff_t>(below(here->size()))).key();
      below(2) == 0 ? static_cast<void>(here->erase(key))
                    : static_cast<void>((*here)[key] = theirs);
    } else if (here->is_array() && below(2) == 0) {
      here->push_back(theirs);
    } else {
      *here = below(4) == 0 ? theirs : one_of(kValues);
    }
  }

  std::mt19937_64 engine_;
};

std::string line_of(const Input& input) {
  return fmt::format("{} {}", input.name, base64(input.bytes));
}

TEST(FuzzCorpus, is_small) {
  std::uintmax_t size = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    EXPECT_EQ(file.path().extension(), ".txt") << file.path();
    size += file.file_size();
  }
  EXPECT_LE(size, kMostInAll) << "scripts/fuzz --keep minimises it";
}

TEST(FuzzCorpus, of_records_has_every_action_of_the_table) {
  std::set<std::string> there;
  for (const Input& input : corpus("record")) {
    if (const auto json = parse_json(input.bytes); json && arm_record_from_json(*json)) {
      there.insert(json_string((*json)["action"], "do"));
    }
  }
  std::set<std::string> made;
  for (const RecordSeed& seed : record_seeds()) {
    made.insert(seed.action);
    EXPECT_TRUE(arm_record_from_json(parse_json(seed.bytes).value()))
        << seed.name << " is not taken: " << seed.bytes;
    EXPECT_TRUE(there.contains(seed.action)) << "add this line to harness/guard/fuzz/record.txt:\n"
                                             << line_of({seed.name, seed.bytes});
  }
  for (const Form& form : forms()) {
    EXPECT_TRUE(made.contains(std::string(form.name))) << form.name;
  }
}

TEST(FuzzCorpus, is_read_without_harm) {
  for (const Input& input : corpus("journal")) {
    EXPECT_EQ(fuzzed_journal(input.bytes), "") << line_of(input);
  }
  for (const Input& input : corpus("record")) {
    EXPECT_EQ(fuzzed_record(input.bytes), "") << line_of(input);
  }
}

TEST(FuzzMutations, of_records_are_read_without_harm) {
  const auto all = corpus("record");
  Mutation mutation(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::string bytes = round % 4 == 0 ? mutation.of_bytes(all) : mutation.of_json(all);
    ASSERT_EQ(fuzzed_record(bytes), "") << line_of({"found", bytes});
  }
}

TEST(FuzzMutations, of_journals_are_read_without_harm) {
  const auto all = corpus("journal");
  Mutation mutation(2);
  for (int round = 0; round < 2'000; ++round) {
    const std::string bytes = mutation.of_bytes(all);
    ASSERT_EQ(fuzzed_journal(bytes), "") << line_of({"found", bytes});
  }
}

}  // namespace
}  // namespace harness::guard
