#include "harness/compare/pairing.h"

#include <gmock/gmock.h>

namespace harness::compare {
namespace {

using check::CaseVerdict;
using testing::HasSubstr;

std::vector<CaseVerdict> named(const std::vector<std::string>& names) {
  std::vector<CaseVerdict> out;
  for (const std::string& name : names) {
    out.push_back({.name = name});
  }
  return out;
}

// "before = after", each with why; then what is alone.
std::vector<std::string> told(const std::vector<std::string>& before,
                              const std::vector<std::string>& after) {
  const auto ones = named(before);
  const auto others = named(after);
  const Pairing pairing = pair_cases(ones, others);
  std::vector<std::string> out;
  for (const Pair& pair : pairing.pairs) {
    out.push_back(pair.before->name + " = " + pair.after->name + " by " + pair.by);
  }
  for (const Unpaired& one : pairing.unpaired) {
    out.push_back((one.in_after ? "second: " : "first: ") + one.name + ": " + one.reason);
  }
  return out;
}

using Told = std::vector<std::string>;

TEST(NameParts, come_from_the_path_of_a_cases_name) {
  const NameParts parts = parts_of("smoke/v1_to_v2/kill-pod.etcd/w+0s/cp-1");
  EXPECT_EQ(parts.suite, "smoke");
  EXPECT_EQ(parts.from, "v1");
  EXPECT_EQ(parts.to, "v2");
  EXPECT_EQ(parts.what, "kill-pod.etcd/w+0s/cp-1");
  EXPECT_EQ(parts_of("nightly/of_to_day/x").what, "x");
  EXPECT_EQ(parts_of("a/b/v1_to_v2/none/cp-1").suite, "a/b");
  EXPECT_EQ(parts_of("no path here").what, "no path here");
  EXPECT_EQ(parts_of("s/x/v1_to_v2").what, "s/x/v1_to_v2") << "nothing follows the path";
}

TEST(Pairing, prefers_the_same_path) {
  EXPECT_EQ(told({"s/1_to_2/none/a", "s/1_to_3/none/a"}, {"s/1_to_3/none/a", "s/1_to_2/none/a"}),
            (Told{"s/1_to_2/none/a = s/1_to_2/none/a by the same path",
                  "s/1_to_3/none/a = s/1_to_3/none/a by the same path"}));
}

TEST(Pairing, prefers_the_same_suite_where_the_path_is_in_two) {
  EXPECT_EQ(told({"s/1_to_2/none/a", "t/1_to_2/none/a"}, {"t/1_to_2/none/a", "s/1_to_2/none/a"}),
            (Told{"s/1_to_2/none/a = s/1_to_2/none/a by the same path",
                  "t/1_to_2/none/a = t/1_to_2/none/a by the same path"}));
  EXPECT_EQ(told({"s/1_to_2/none/a"}, {"t/1_to_2/none/a"}),
            Told{"s/1_to_2/none/a = t/1_to_2/none/a by the same path"});
}

TEST(Pairing, takes_the_same_first_release_next) {
  EXPECT_EQ(told({"s/0_to_1/none/a", "s/1_to_2/none/a"}, {"s/1_to_3/none/a", "s/0_to_1/none/a"}),
            (Told{"s/0_to_1/none/a = s/0_to_1/none/a by the same path",
                  "s/1_to_2/none/a = s/1_to_3/none/a by the same release before"}));
}

TEST(Pairing, takes_what_alone_is_left) {
  EXPECT_EQ(told({"s/1_to_2/none/a"}, {"s/3_to_4/none/a"}),
            Told{"s/1_to_2/none/a = s/3_to_4/none/a by the only one of its kind in each run"});
}

TEST(Pairing, makes_no_choice_and_says_so) {
  const Told all = told({"s/1_to_2/none/a"}, {"s/1_to_3/none/a", "s/1_to_4/none/a"});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_THAT(all[0], HasSubstr("more than one case could be held against another here"));
  EXPECT_THAT(all[0], HasSubstr("s/1_to_3/none/a, s/1_to_4/none/a"));
  EXPECT_THAT(all[2], HasSubstr("second: s/1_to_4/none/a"));
}

TEST(Pairing, drops_nothing_silently) {
  const Told all = told({"s/1_to_2/none/a", "s/1_to_2/reboot.hard/w+0s/a"},
                        {"s/1_to_2/none/a", "s/1_to_3/none/a"});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1],
            "first: s/1_to_2/reboot.hard/w+0s/a: the other run has no case of reboot.hard/w+0s/a");
  EXPECT_EQ(all[2],
            "second: s/1_to_3/none/a: its like in the other run has a closer match: "
            "s/1_to_2/none/a");
  EXPECT_TRUE(told({}, {}).empty());
}

}  // namespace
}  // namespace harness::compare
