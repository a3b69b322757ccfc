#include "harness/guard/pull_hosts.h"

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PullHosts : public testing::Test {
 protected:
  std::filesystem::path etc() const { return folder_.path() / "agent/etc/containerd"; }

  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((etc() / name).parent_path());
    std::ofstream(etc() / name) << text;
  }

  void mirror(const std::string& directory, const std::string& host) const {
    put("certs.d/" + directory + "/hosts.toml", "[host.\"https://" + host + "\"]\n");
  }

  std::vector<std::string> hosts_of(const std::string& registry) const {
    const auto found = pull_hosts(host_port_of(registry).value(), folder_.string());
    EXPECT_TRUE(found) << found.error().message();
    std::vector<std::string> out;
    for (const PullHost& one : found.value_or(std::vector<PullHost>())) {
      out.push_back(one.host);
    }
    return out;
  }

  std::string refusal(const std::string& registry = "docker.io") const {
    const auto found = pull_hosts(host_port_of(registry).value(), folder_.string());
    if (!found) {
      EXPECT_EQ(found.error().code(), ErrorCode::not_supported);
    }
    return found ? "" : found.error().message();
  }

  TestFolder folder_;
};

TEST_F(PullHosts, are_the_registry_alone_where_nothing_else_is_written) {
  const auto found = pull_hosts({.host = "docker.io"}, folder_.string());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_THAT(*found, ElementsAre(PullHost{"docker.io", {443, 80}, "https", ""}));
  EXPECT_THAT(pull_hosts({.host = "r.example", .port = 80}, "/none")->front().scheme, "http");
}

TEST_F(PullHosts, are_the_mirrors_of_the_registrys_own_directory) {
  put("certs.d/docker.io/hosts.toml",
      "server = \"https://registry-1.docker.io/v2\"\n[host.\"https://one.example\"]\n"
      "[host.\"http://two.example:5000/v2\"]\n");
  mirror("_default", "other.example");
  EXPECT_THAT(hosts_of("docker.io"), ElementsAre("docker.io", "one.example", "two.example"))
      << "the server is the registry itself";
  EXPECT_THAT(hosts_of("index.docker.io"),
              ElementsAre("index.docker.io", "one.example", "two.example"));
}

TEST_F(PullHosts, are_those_of_the_default_directory_where_it_has_none) {
  mirror("_default", "other.example");
  mirror("quay.io", "one.example");
  EXPECT_THAT(hosts_of("docker.io"), ElementsAre("docker.io", "other.example"));
  EXPECT_THAT(hosts_of("192.0.2.7:5000"), ElementsAre("192.0.2.7", "other.example"));
  std::filesystem::create_directories(etc() / "certs.d/docker.io");
  EXPECT_THAT(hosts_of("docker.io"), ElementsAre("docker.io"))
      << "containerd then looks no further";
}

TEST_F(PullHosts, are_looked_for_by_the_registrys_port_first) {
  mirror("r.example_5000_", "one.example");
  mirror("r.example:5000", "two.example");
  mirror("r.example", "three.example");
  mirror("r.example:80", "four.example");
  mirror("[2001:db8::7]_5000_", "five.example");
  EXPECT_THAT(hosts_of("r.example:5000"), ElementsAre("r.example", "one.example"));
  EXPECT_THAT(hosts_of("r.example"), ElementsAre("r.example", "three.example"));
  EXPECT_THAT(hosts_of("r.example:80"), ElementsAre("r.example", "four.example"));
  EXPECT_THAT(hosts_of("[2001:db8::7]:5000"), ElementsAre("2001:db8::7", "five.example"));
}

TEST_F(PullHosts, that_cannot_be_read_are_an_error_with_the_file) {
  put("certs.d/docker.io/hosts.toml", "[host.\"https://one.example\"]\n[host\n");
  EXPECT_THAT(refusal(), HasSubstr("certs.d/docker.io/hosts.toml:2: "));
  put("certs.d/docker.io/hosts.toml", std::string(70'000, '#'));
  EXPECT_THAT(refusal(), HasSubstr("hosts.toml: larger than 65536 bytes"));
  std::filesystem::remove(etc() / "certs.d/docker.io/hosts.toml");
  std::filesystem::create_directories(etc() / "certs.d/docker.io/hosts.toml");
  EXPECT_THAT(refusal(), HasSubstr("hosts.toml: Is a directory"));
}

TEST_F(PullHosts, in_the_configuration_itself_are_an_error_with_file_and_line) {
  for (const char* header :
       {"[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"docker.io\"]",
        "[plugins.cri.registry.mirrors.'*']",
        "  [plugins.cri.registry.mirrors.\"docker.io\".rewrite]",
        "[plugins.cri.registry.mirrors . \"quay.io\"]"}) {
    put("config.toml", std::string("version = 2\n") + header + "\n  endpoint = [\"https://x\"]\n");
    EXPECT_THAT(refusal(), HasSubstr("config.toml:2: mirrors are set here")) << header;
  }
  put("config.toml",
      "[plugins.cri.registry.mirrors]\n[plugins.cri.registry.mirrors.\"quay.io\"]\n"
      "endpoint = [\"https://x\"]\n");
  EXPECT_EQ(refusal(), "") << "another's";
}

TEST_F(PullHosts, are_looked_for_where_the_configuration_says) {
  mirror("docker.io", "one.example");
  put("elsewhere/docker.io/hosts.toml", "[host.\"https://two.example\"]\n");
  const auto configure = [&](const std::string& path) {
    put("config.toml",
        "[plugins.'io.containerd.transfer.v1.local']\n  config_path = '/none'\n"
        "[plugins.'io.containerd.cri.v1.images'.registry]\n  config_path = " +
            path + "\n");
  };
  configure("\"" + (etc() / "elsewhere").string() + "\"");
  EXPECT_THAT(hosts_of("docker.io"), ElementsAre("docker.io", "two.example"));
  configure("\"\"");
  EXPECT_THAT(hosts_of("docker.io"), ElementsAre("docker.io", "one.example"));
  for (const char* path : {"\"/one:/two\"", "\"one\"", "\"/one", "1"}) {
    configure(path);
    EXPECT_THAT(refusal(), HasSubstr("config.toml:4: config_path is no plain path")) << path;
  }
}

}  // namespace
}  // namespace harness::guard
