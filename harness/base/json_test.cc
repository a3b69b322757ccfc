#include "harness/base/json.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(Json, gives_what_is_of_the_type_and_else_the_fallback) {
  const Json json = {{"text", "a"}, {"number", 7}, {"yes", true}, {"object", {{"x", 1}}}};
  EXPECT_EQ(json_string(json, "text"), "a");
  EXPECT_EQ(json_int(json, "number"), 7);
  EXPECT_TRUE(json_bool(json, "yes"));
  EXPECT_EQ(json_object(json, "object"), Json({{"x", 1}}));
  for (const char* key : {"text", "number", "yes", "object", "nothing"}) {
    EXPECT_EQ(json_string(json, key, "-"), key == std::string("text") ? "a" : "-");
    EXPECT_EQ(json_int(json, key, -1), key == std::string("number") ? 7 : -1);
    EXPECT_EQ(json_object(json, key).size(), key == std::string("object") ? 1U : 0U);
  }
}

TEST(Json, bears_to_be_asked_of_what_is_no_object) {
  for (const Json& none : {Json(), Json("text"), Json::array({1})}) {
    EXPECT_EQ(json_string(none, "key", "-"), "-");
    EXPECT_EQ(json_int(none, "key", 3), 3);
    EXPECT_FALSE(json_bool(none, "key"));
    EXPECT_EQ(json_object(none, "key"), Json::object());
  }
}

}  // namespace
}  // namespace harness
