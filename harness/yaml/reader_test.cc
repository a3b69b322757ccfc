#include "harness/yaml/reader.h"

#include <fstream>

#include <gtest/gtest.h>

namespace harness::yaml {
namespace {

std::string parse_error(std::string_view text) {
  const auto result = parse(text, "x.yaml");
  EXPECT_FALSE(result) << text;
  EXPECT_TRUE(result || result.error().code() == ErrorCode::invalid_input);
  return result ? "" : result.error().message();
}

TEST(YamlFile, names_line_and_column_of_broken_text) {
  EXPECT_EQ(parse_error("a: 1\nb: [1, 2\n").substr(0, 7), "x.yaml:");
  EXPECT_NE(parse_error("a: 1\n\tb: 2\n").find("x.yaml:2:"), std::string::npos);
  EXPECT_EQ(parse_error("a: 1\nb: 2\na: 3\n"), "x.yaml:3:1: key 'a' comes twice");
  EXPECT_EQ(parse_error(""), "x.yaml:1:1: the file is empty");
  EXPECT_EQ(parse_error("# only a comment\n"), "x.yaml:1:1: the file is empty");
  EXPECT_EQ(parse_error("a: 1\nb: \xff\n"), "x.yaml:2:4: this is not UTF-8");
  EXPECT_NE(parse_error("a: 1\n---\nb: 2\n").find("a second document"), std::string::npos);
}

TEST(YamlFile, that_is_empty_or_a_folder_is_told_apart_from_one_that_is_missing) {
  const std::string file = testing::TempDir() + "empty.yaml";
  std::ofstream(file).close();
  const auto empty = read(file);
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().message(), file + ":1:1: the file is empty");
  const auto folder = read(testing::TempDir());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message(), testing::TempDir() + ": cannot be read: Is a directory");
  const auto missing = read(file + ".none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), file + ".none: cannot be read: No such file or directory");
}

TEST(YamlFile, refuses_depth_and_alias_bombs) {
  EXPECT_NE(parse_error(std::string(5000, '[')).find("x.yaml:"), std::string::npos);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before +
            ", " + before + ", " + before + ", " + before + ", " + before + ", " + before + ", " +
            before + "]\n";
  }
  EXPECT_NE(parse_error(bomb).find("aliases counted"), std::string::npos);
}

TEST(StrictReader, names_the_line_of_an_unknown_key_and_what_was_meant) {
  const Value value = *parse("name: cp-1\nadress: 192.0.2.1\n", "inv.yaml");
  Problems problems("inv.yaml");
  Reader reader(value, "node", problems);
  EXPECT_EQ(reader.text("name"), "cp-1");
  EXPECT_EQ(reader.text_or("address", "none"), "none");
  reader.finish();
  ASSERT_FALSE(problems.status());
  EXPECT_EQ(problems.status().error().message(),
            "inv.yaml:2:1: node has no key 'adress' (did you mean 'address'?)");
}

TEST(StrictReader, reports_all_problems_of_a_file_in_order) {
  const Value value = *parse("port: many\nexpendable: yes\nwait: 5\nnodes: {a: 1}\n", "f");
  Problems problems("f");
  Reader reader(value, "thing", problems);
  reader.duration_or("wait", Microseconds(0));
  reader.integer_or("port", 22, 1, 65535);
  reader.boolean_or("expendable", false);
  reader.items("nodes");
  reader.text("name");
  reader.finish();
  ASSERT_FALSE(problems.status());
  EXPECT_EQ(problems.status().error().message(),
            "f:1:1: thing needs the key 'name'\n"
            "f:1:7: 'port' must be a whole number from 1 to 65535, not 'many'\n"
            "f:2:13: 'expendable' must be true or false, not 'yes'\n"
            "f:3:7: 'wait': '5' is not a duration; write a whole number and us, ms, s, m or h, "
            "such as 250ms\n"
            "f:4:8: 'nodes' must be a list, not a mapping");
}

TEST(StrictReader, takes_quoted_booleans_for_texts) {
  const Value value = *parse("a: \"true\"\n", "f");
  Problems problems("f");
  Reader reader(value, "thing", problems);
  reader.boolean_or("a", false);
  EXPECT_FALSE(problems.none());
}

TEST(StrictReader, refuses_a_list_where_a_mapping_is_wanted) {
  const Value value = *parse("[1, 2]", "f");
  Problems problems("f");
  Reader reader(value, "suite", problems);
  reader.text("name");
  EXPECT_EQ(problems.status().error().message(),
            "f:1:1: suite must be a mapping of keys to values, not a list");
}

TEST(YamlFile, that_is_missing_is_named) {
  const auto result = read("/nonexistent/suite.yaml");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::invalid_input);
  EXPECT_NE(result.error().message().find("/nonexistent/suite.yaml"), std::string::npos);
}

}  // namespace
}  // namespace harness::yaml
