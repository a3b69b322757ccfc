// The file of learned lengths: it comes back as it was written, and what is not that is refused.

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/aim/lengths.h"

namespace harness::aim {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const Where kHop{"cp-1", "v1.30.12+rke2r1", "v1.30.13-rc2+rke2r1"};
const Stretch kSlow{"slow-service duration=30s percent=10", "pre", "0s"};

class LengthsFile : public testing::Test {
 protected:
  ~LengthsFile() override {
    std::error_code gone;
    std::filesystem::remove(file_, gone);
  }

  static Lengths learned() {
    Lengths out;
    Where slow = kHop;
    slow.stretch = kSlow;
    out.add(kHop, {.window = "hooks", .length_us = 1'000'000, .since_us = {{"sync", 20'000'000}}});
    out.add(slow, {.window = "hooks", .length_us = 9'000'000, .since_us = {}});
    out.note("run", "case", 1);
    return out;
  }

  Result<Lengths> load(const std::string& text) const {
    std::ofstream(file_) << text;
    return Lengths::load(file_);
  }

  Result<Lengths> load(const Json& json) const { return load(json.dump()); }

  void refuses(const Json& json, const std::string& why) const {
    const auto lengths = load(json);
    ASSERT_FALSE(lengths) << why;
    EXPECT_EQ(lengths.error().code(), ErrorCode::invalid_input) << why;
    EXPECT_THAT(lengths.error().message(),
                AllOf(HasSubstr(file_.string()), HasSubstr(why), HasSubstr("windows learn")));
  }

  const std::filesystem::path file_ =
      std::filesystem::temp_directory_path() / ("hookshot-lengths-" + std::to_string(getpid()));
};

TEST_F(LengthsFile, comes_back_with_stretches_and_what_it_was_learned_from) {
  const Lengths lengths = learned();
  EXPECT_FALSE(lengths.has("another", "case", 1));
  ASSERT_TRUE(lengths.save(file_));
  const auto back = Lengths::load(file_);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->to_json(), lengths.to_json());
  Where slow = kHop;
  slow.stretch = kSlow;
  EXPECT_EQ(back->length("hooks", slow)->median, std::chrono::seconds(9));
  EXPECT_EQ(back->gap("sync", "hooks", kHop)->median, std::chrono::seconds(20));
  EXPECT_TRUE(back->has("run", "case", 1));
  EXPECT_FALSE(back->has("run", "case", 2));
  EXPECT_FALSE(back->has("another", "case", 1));
}

TEST_F(LengthsFile, is_read_though_it_knows_neither_stretches_nor_runs) {
  const auto lengths = load(Json{{"learned",
                                  {{{"node", kHop.node},
                                    {"from", kHop.from},
                                    {"to", kHop.to},
                                    {"window", "hooks"},
                                    {"lengths_us", {7}},
                                    {"gaps_us", Json::object()}}}}});
  ASSERT_TRUE(lengths) << lengths.error().message();
  EXPECT_EQ(lengths->length("hooks", kHop)->median, Microseconds(7));
  EXPECT_FALSE(lengths->has("run", "case", 1));
}

TEST_F(LengthsFile, is_refused_when_it_is_none) {
  for (const char* text : {"", "{", "[]", "{}", R"({"learned": 1})", R"({"learned": {}})"}) {
    const auto lengths = load(std::string(text));
    ASSERT_FALSE(lengths) << text;
    EXPECT_EQ(lengths.error().code(), ErrorCode::invalid_input) << text;
  }
}

TEST_F(LengthsFile, is_refused_when_a_row_is_no_object) {
  for (const Json& row : {Json(1), Json("x"), Json(), Json::array()}) {
    refuses({{"learned", Json::array({row})}}, "row 1 must be an object");
    Json json = learned().to_json();
    json["stretched"].push_back(row);
    refuses(json, "row 2 must be an object");
  }
}

TEST_F(LengthsFile, is_refused_when_a_field_is_of_another_kind) {
  const auto with = [](const char* list, const char* key, const Json& value) {
    Json json = learned().to_json();
    json[list][0][key] = value;
    return json;
  };
  for (const char* key : {"node", "from", "to", "window"}) {
    refuses(with("learned", key, 5), std::string("must have a text as its ") + key);
  }
  for (const Json& value : {Json(), Json(1), Json::object()}) {
    refuses(with("learned", "lengths_us", value), "must be a list of numbers");
  }
  for (const Json& value : {Json(-1), Json("2"), Json(1.5)}) {
    refuses(with("learned", "lengths_us", {1, value}), "something else than microseconds");
  }
  for (const Json& value : {Json(), Json(1), Json::parse("[[1]]")}) {
    refuses(with("learned", "gaps_us", value), "as its gaps_us");
  }
  refuses(with("learned", "gaps_us", {{"sync", 1}}), "must be a list of numbers");
  refuses(with("stretched", "stretch", "slow"), "must have an object as its stretch");
  refuses(with("learned", "stretch", "slow"), "must have an object as its stretch");
}

TEST_F(LengthsFile, is_refused_when_it_mixes_what_is_natural_with_what_is_stretched) {
  Json json = learned().to_json();
  json["learned"].push_back(json["stretched"][0]);
  refuses(json, "is stretched");
  json = learned().to_json();
  json["stretched"][0].erase("stretch");
  refuses(json, "does not say what stretches it");
  for (const Json& value : {Json(), Json(1), Json::object()}) {
    json["stretched"] = value;
    refuses(json, "a list of rows as its stretched");
  }
}

TEST_F(LengthsFile, is_refused_when_what_it_was_learned_from_is_none) {
  const auto from = [](const Json& value) {
    Json json = learned().to_json();
    json["learned_from"] = value;
    return json;
  };
  refuses(from(Json::array({1})), "must be an object of runs");
  refuses(from({{"run", 1}}), "run must be an object of cases");
  refuses(from({{"run", {{"case", 1}}}}), "case of run must be a list of trials");
  refuses(from({{"run", {{"case", Json::array({"one"})}}}}), "something else than trials");
}

TEST_F(LengthsFile, that_is_not_there_is_an_empty_one) {
  EXPECT_TRUE(Lengths::load(file_)->rows().empty());
  EXPECT_EQ(Lengths::beside("inventories/lab.yaml"), "inventories/lab.lengths.json");
  EXPECT_FALSE(learned().save("/nonexistent/file"));
}

}  // namespace
}  // namespace harness::aim
