#include "harness/lab/standin/yaml.h"

#include <gtest/gtest.h>

namespace harness::standin {
namespace {

TEST(Yaml, is_block_form_with_sorted_keys) {
  EXPECT_EQ(to_yaml({{"b", {{"list", {1, "two"}}, {"empty", Json::object()}}}, {"a", true}}),
            "a: true\nb:\n  empty: {}\n  list:\n  - 1\n  - two\n");
}

TEST(Yaml, puts_the_first_key_of_an_object_in_a_list_on_the_dash) {
  EXPECT_EQ(to_yaml({{"env", Json::array({{{"name", "A"}, {"value", "b"}}})}}),
            "env:\n- name: A\n  value: b\n");
}

TEST(Yaml, quotes_text_that_would_be_read_as_something_else) {
  for (const char* text :
       {"true", "12", "1e5", "", "- x", "a: b", "x #y", "*", "0x1f", "@a", "null"}) {
    EXPECT_EQ(to_yaml({{"k", text}}), "k: " + Json(text).dump() + "\n");
  }
  for (const char* text :
       {"etcd", "200m", "--flag=/a/b:c", "https://1.2.3.4:2379", "v3.5.21-k3s1"}) {
    EXPECT_EQ(to_yaml({{"k", text}}), std::string("k: ") + text + "\n");
  }
}

TEST(Yaml, leaves_nulls_out) {
  EXPECT_EQ(to_yaml({{"a", nullptr}, {"b", 1}}), "b: 1\n");
}

TEST(Yaml, finds_uid_and_annotation_of_a_manifest_again) {
  const std::string text = to_yaml({{"metadata",
                                     {{"annotations", {{"etcd.k3s.io/initial", "{\"a\": \"b\"}"}}},
                                      {"uid", "0123456789abcdef0123456789abcdef"}}}});
  EXPECT_EQ(uid_in(text), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(annotation_in(text, "etcd.k3s.io/initial"), "{\"a\": \"b\"}");
  EXPECT_EQ(annotation_in(text, "other"), "");
}

TEST(Yaml, finds_a_uid_of_digits_only) {
  EXPECT_EQ(uid_in(to_yaml({{"metadata", {{"uid", "01234567890123456789012345678901"}}}})),
            "01234567890123456789012345678901");
}

}  // namespace
}  // namespace harness::standin
