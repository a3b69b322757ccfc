#include "harness/guard/pull_proxy.h"

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kUnit = "rke2-server.service";

TEST(Proxied, is_what_the_variable_of_its_scheme_says) {
  const Environment both = {{"HTTPS_PROXY", "http://p"}, {"http_proxy", "q"}};
  EXPECT_EQ(proxied_by(both, "https", "r.example", 443), "HTTPS_PROXY");
  EXPECT_EQ(proxied_by(both, "http", "r.example", 80), "http_proxy");
  const Environment one = {{"HTTP_PROXY", "q"}, {"HTTPS_PROXY", ""}};
  EXPECT_EQ(proxied_by(one, "https", "r.example", 443), "") << "it is for http alone";
  EXPECT_EQ(proxied_by({{"https_proxy", "p"}}, "https", "r.example", 443), "https_proxy");
  EXPECT_EQ(proxied_by({}, "https", "r.example", 443), "");
  EXPECT_EQ(proxied_by(both, "https", "127.0.0.1", 6443), "") << "as Go has it";
}

TEST(Proxied, is_not_what_no_proxy_covers) {
  const auto is_covered = [](const char* list, const std::string& host, int port = 443) {
    return proxied_by({{"HTTPS_PROXY", "p"}, {"no_proxy", list}}, "https", host, port).empty();
  };
  for (const char* list : {"*",
                           "r.example",
                           "a.b, R.Example ,c",
                           "example",
                           ".example",
                           "*.example",
                           "r.example:443"}) {
    EXPECT_TRUE(is_covered(list, "r.example")) << list;
  }
  for (const char* list : {"",
                           ",",
                           ".r.example",
                           "other.example",
                           "xample",
                           "r.example:5000",
                           "192.0.2.0/24",
                           ":443"}) {
    EXPECT_FALSE(is_covered(list, "r.example")) << list;
  }
  for (const char* list :
       {"192.0.2.7", "192.0.2.0/24", "192.0.2.6/31", "0.0.0.0/0", "192.0.2.7:443"}) {
    EXPECT_TRUE(is_covered(list, "192.0.2.7")) << list;
  }
  for (const char* list :
       {"192.0.2.8", "192.0.2.8/29", "192.0.2.7/33", "192.0.2.7/x", "::/0", "192.0.2.7:80"}) {
    EXPECT_FALSE(is_covered(list, "192.0.2.7")) << list;
  }
  for (const char* list : {"2001:db8::7", "[2001:db8:0::7]:443", "2001:db8::/32"}) {
    EXPECT_TRUE(is_covered(list, "2001:db8::7")) << list;
  }
}

TEST(Environ, of_rke2_has_what_it_gives_to_containerd) {
  using namespace std::string_view_literals;
  constexpr std::string_view kText =
      "HTTPS_PROXY=one\0CONTAINERD_HTTPS_PROXY=two\0CONTAINERD_NO_PROXY=x\0odd\0"sv;
  EXPECT_EQ(environment_of(kText).at("HTTPS_PROXY"), "one");
  EXPECT_EQ(environment_of(kText).count("NO_PROXY"), 0U);
  EXPECT_EQ(environment_of(kText, true).at("HTTPS_PROXY"), "two");
  EXPECT_EQ(environment_of(kText, true).at("NO_PROXY"), "x");
}

TEST(PlaceOfAProxy, is_told_without_its_credentials) {
  EXPECT_EQ(place_of_proxy("http://Proxy.example:3128/"), "proxy.example:3128");
  EXPECT_EQ(place_of_proxy("proxy.example:3128"), "proxy.example:3128");
  for (const char* url : {"http://me:hunter2@proxy.example:3128",
                          "me:hunter2@proxy.example:3128",
                          "http://me:hun@ter2@proxy.example:3128",
                          "http://me:7/hunter2@proxy.example:3128"}) {
    EXPECT_EQ(place_of_proxy(url), "proxy.example:3128") << url;
  }
  EXPECT_THAT(place_of_proxy("me:hunter2"), Not(HasSubstr("hunter2")));
}

// The unit's main process is this test itself, and a child of it containerd.
class NoProxy : public testing::Test {
 protected:
  NoProxy() {
    means_.run = [](const std::vector<std::string>&) {
      return Finished{.out = std::to_string(getpid()) + "\n"};
    };
    means_.proc = folder_.string();
  }

  void runs(int pid, const std::string& program, const std::string& environ) const {
    const auto directory = folder_ / std::to_string(pid);
    std::filesystem::create_directories(directory / "task" / std::to_string(pid));
    std::filesystem::create_symlink("/opt/bin/" + program, directory / "exe");
    std::ofstream(directory / "environ") << environ << '\0';
  }

  void starts(const std::string& program, const std::string& environ) {
    const Process child = children_.start_one();
    runs(child.pid, program, environ);
    const std::string self = std::to_string(getpid());
    std::ofstream(folder_ / self / "task" / self / "children", std::ios::app) << child.pid << ' ';
  }

  Result<std::string> check() const {
    return check_no_proxy(
        {{"docker.io", {443, 80}, "https", ""}, {"m.example", {5000}, "http", "/hosts.toml:1"}},
        kUnit,
        means_);
  }

  TestFolder folder_;
  Children children_;
  Means means_;
};

TEST_F(NoProxy, is_asked_of_containerd) {
  runs(getpid(), "rke2", "HTTPS_PROXY=http://before.example:1");
  starts("kubelet", "HTTPS_PROXY=http://before.example:1");
  starts("containerd", "PATH=/bin");
  const auto checked = check();
  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_THAT(*checked, HasSubstr("containerd, process "));
}

TEST_F(NoProxy, is_refused_where_pulls_go_by_one) {
  runs(getpid(), "rke2", "PATH=/bin");
  starts("containerd", "HTTPS_PROXY=http://me:hunter2@proxy.example:3128");
  const auto checked = check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(checked.error().message(),
              HasSubstr("pulls from registry-1.docker.io:443 go by the proxy proxy.example:3128 "
                        "(HTTPS_PROXY of containerd, process "));
  EXPECT_THAT(checked.error().message(), Not(HasSubstr("hunter2")));
}

TEST_F(NoProxy, is_refused_where_those_of_a_mirror_alone_do) {
  runs(getpid(), "rke2", "PATH=/bin");
  starts("containerd", "HTTP_PROXY=proxy.example:3128");
  const auto checked = check();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message(), HasSubstr("pulls from m.example:5000 go by the proxy"));
}

TEST_F(NoProxy, is_none_where_all_of_them_are_spared) {
  using namespace std::string_literals;
  const std::string proxies = "HTTPS_PROXY=p:1\0HTTP_PROXY=p:1\0NO_PROXY=m.example,"s;
  runs(getpid(), "rke2", proxies + "registry-1.docker.io");
  EXPECT_FALSE(check()) << "tokens and layers come from elsewhere";
  std::filesystem::remove_all(folder_ / std::to_string(getpid()));
  runs(getpid(), "rke2", proxies + "docker.io,.docker.com");
  const auto checked = check();
  ASSERT_TRUE(checked) << checked.error().message();
}

TEST_F(NoProxy, is_asked_of_rke2_before_containerd_runs) {
  runs(getpid(), "rke2", "CONTAINERD_HTTPS_PROXY=proxy.example:3128");
  const auto checked = check();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message(), HasSubstr("HTTPS_PROXY of rke2-server.service, process "));
}

TEST_F(NoProxy, is_told_as_unknown_where_nothing_runs) {
  means_.run = [](const std::vector<std::string>&) { return Finished{.out = "0\n"}; };
  EXPECT_THAT(check().value(), HasSubstr("nothing tells of a proxy"));
}

}  // namespace
}  // namespace harness::guard
