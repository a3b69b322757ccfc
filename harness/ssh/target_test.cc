#include "harness/ssh/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/ssh/host_key.h"

namespace harness::ssh {
namespace {

Target good() {
  Target target;
  target.name = "cp-1";
  target.host = "192.0.2.11";
  target.user = "rancher";
  target.known_hosts = "lab-a.known_hosts";
  return target;
}

void expect_refused(const Target& target, const std::string& field) {
  const auto checked = validate(target);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(checked.error().message(), testing::HasSubstr(field));
}

TEST(Target, is_accepted_with_names_and_addresses) {
  Target target = good();
  for (const char* host : {"192.0.2.11", "cp-1.lab.example", "2001:db8::1", "localhost"}) {
    target.host = host;
    EXPECT_TRUE(validate(target)) << host;
  }
}

TEST(Target, refuses_what_could_reach_a_shell_or_be_an_option) {
  const std::vector<std::string> hostile = {"",
                                            "-oProxyCommand=id",
                                            "a b",
                                            "a;id",
                                            "$(id)",
                                            "a@b",
                                            "a\nb",
                                            std::string("a\0b", 3),
                                            "`id`",
                                            "a/b",
                                            "a%h",
                                            "'",
                                            "\xc3\xa4"};
  for (const std::string& text : hostile) {
    Target target = good();
    target.host = text;
    expect_refused(target, "address");
    target = good();
    target.user = text;
    expect_refused(target, "user");
  }
}

TEST(Target, refuses_ports_and_paths_that_cannot_be) {
  for (const int port : {0, -1, 65536}) {
    Target target = good();
    target.port = port;
    expect_refused(target, "port");
  }
  Target target = good();
  target.known_hosts = "a\nb";
  expect_refused(target, "path");
  target = good();
  target.known_hosts.clear();
  expect_refused(target, "known_hosts");
}

TEST(Target, checks_its_jump_host_too) {
  Target target = good();
  Target jump = good();
  jump.name = "bastion";
  jump.host = "-x";
  target.jump = std::make_shared<Target>(jump);
  expect_refused(target, "bastion: the address");
  auto chain = std::make_shared<Target>(good());
  for (int i = 0; i < 6; ++i) {
    Target next = good();
    next.jump = chain;
    chain = std::make_shared<Target>(next);
  }
  expect_refused(*chain, "more than four");
}

TEST(Target, describes_itself) {
  Target target = good();
  EXPECT_EQ(describe(target), "cp-1 (rancher@192.0.2.11 port 22)");
  target.jump = std::make_shared<Target>(good());
  EXPECT_EQ(describe(target), "cp-1 (rancher@192.0.2.11 port 22 through 192.0.2.11)");
}

TEST(Pasteable, quotes_for_a_shell_of_the_reader) {
  EXPECT_EQ(pasteable("/home/x/lab.known_hosts"), "/home/x/lab.known_hosts");
  EXPECT_EQ(pasteable("a b; $(id) 'c'"), "'a b; $(id) '\\''c'\\'''");
}

}  // namespace
}  // namespace harness::ssh
