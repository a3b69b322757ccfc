#include "harness/lab/standin/logrus.h"

#include <gtest/gtest.h>

namespace harness::standin::logrus {
namespace {

constexpr std::int64_t kWhen = 1747386459;  // 2025-05-16T09:07:39Z

TEST(Logrus, quotes_a_message_of_several_words) {
  EXPECT_EQ(render("info", "rke2 is up and running", kWhen),
            "time=\"2025-05-16T09:07:39Z\" level=info msg=\"rke2 is up and running\"");
}

TEST(Logrus, leaves_a_single_word_without_quotes) {
  EXPECT_EQ(render("error", "starting", kWhen),
            "time=\"2025-05-16T09:07:39Z\" level=error msg=starting");
}

TEST(Logrus, quotes_an_empty_message) {
  EXPECT_EQ(render("info", "", kWhen), "time=\"2025-05-16T09:07:39Z\" level=info msg=\"\"");
}

TEST(Logrus, escapes_quotes_backslashes_and_control_characters) {
  EXPECT_EQ(render("info", "a \"b\" \\ c\nd\te\x01", kWhen),
            "time=\"2025-05-16T09:07:39Z\" level=info msg=\"a \\\"b\\\" \\\\ c\\nd\\te\\x01\"");
}

TEST(Logrus, keeps_the_form_of_the_libraries_inside_the_product) {
  EXPECT_EQ(
      render_klog('E', "storage_rbac.go:231", "unable to reconcile", kWhen * 1000000 + 123456, 42),
      "E0516 09:07:39.123456      42 storage_rbac.go:231] unable to reconcile");
}

}  // namespace
}  // namespace harness::standin::logrus
