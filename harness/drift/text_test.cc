#include "harness/drift/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::drift {
namespace {

TEST(Text, is_cut_between_characters) {
  EXPECT_EQ(cut("höhe", 9), "höhe");
  EXPECT_EQ(cut("höhe", 2), "h [cut]") << "not inside the second character";
  EXPECT_EQ(cut("höhe", 3), "hö [cut]");
  EXPECT_EQ(cut("\x80\x80\x80", 2), " [cut]")
      << "bytes that are no characters end it, nothing else";
}

TEST(Text, is_the_same_whatever_its_numbers) {
  EXPECT_EQ(without_digits("10.0.0.77 after 9 s"), "#.#.#.# after # s");
}

TEST(Names, hides_whole_names_in_any_case_and_with_digits_taken_away) {
  Names names;
  names.add("CP-12.example.com");
  EXPECT_EQ(names.hide("on cp-12.example.com: cp-12, kube-apiserver-cp-12, cp-12-5c63c9d8"),
            "on [node]: [node], kube-apiserver-[node], [node]-5c63c9d8");
  EXPECT_EQ(names.hide("node cp-# of Cp-12"), "node [node] of [node]");
  EXPECT_EQ(names.hide("cp-123 and xcp-12 are others"), "cp-123 and xcp-12 are others");
}

TEST(Names, passes_over_what_tells_nothing) {
  Names names;
  names.add("");
  names.add("a");
  names.add("localhost");
  names.add("192.0.2.7");
  EXPECT_EQ(names.hide("a localhost 192 text"), "a localhost 192 text");
  EXPECT_EQ(names.hide("at 192.0.2.7:9345"), "at [node]:9345");
}

TEST(Names, learns_what_the_service_calls_its_node) {
  Names names;
  names.learn("Running kubelet --a=b --hostname-override=berlin --c");
  names.learn("Annotations and labels have already set on node: paris");
  EXPECT_EQ(names.hide("berlin and paris"), "[node] and [node]");
}

}  // namespace
}  // namespace harness::drift
